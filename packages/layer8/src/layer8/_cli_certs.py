# SPDX-License-Identifier: Apache-2.0
"""The commands ``layer8 certs``: an authority of one's own, and certificates for its nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["certs"]

certs = typer.Typer(no_args_is_help=True, help="Make the certificates of a network.")

_Directory = Annotated[Path, typer.Argument(help="Directory of the authority.")]


@certs.command("init")
def create(
    directory: _Directory,
    name: Annotated[str, typer.Option(help="Name of the authority.")] = "Layer 8 network",
    days: Annotated[int, typer.Option(help="Days that it lasts.")] = 3650,
) -> None:
    """Make an authority; keep its ca.key where no node is."""
    import l8secure  # noqa: PLC0415

    path = l8secure.create_authority(directory, name, days=days)
    typer.echo(f"authority {name!r}: {path} is for all nodes, {path.with_name('ca.key')} for you")


@certs.command("issue")
def issue(
    directory: _Directory,
    name: Annotated[str, typer.Argument(help="Name of the node.")],
    host: Annotated[
        list[str] | None,
        typer.Option(help="Name or address under which others dial it; may be repeated."),
    ] = None,
    days: Annotated[int, typer.Option(help="Days that it lasts.")] = 365,
) -> None:
    """Issue a certificate to a node, or renew it; prints the settings that use it."""
    import l8secure  # noqa: PLC0415

    folder = l8secure.issue_certificate(directory, name, host or (), days=days)
    files = l8secure.TlsFiles.of(folder.absolute())
    typer.echo(f"# certificate of {name!r} in {folder}; copy the folder to the node, there say:")
    typer.echo("[node]")
    typer.echo(f'tls_certificate = "{files.certificate}"')
    typer.echo(f'tls_key = "{files.key}"')
    typer.echo(f'tls_authority = "{files.authority}"')


@certs.command("show")
def show(file: Annotated[Path, typer.Argument(help="PEM file, or folder of a node.")]) -> None:
    """Show whose a certificate is, who signed it, for which hosts and how long."""
    import l8secure  # noqa: PLC0415

    path = l8secure.TlsFiles.of(file).certificate if file.is_dir() else file
    told = l8secure.certificate_summary(path)
    typer.echo(f"{told.name}, signed by {told.issuer}")
    typer.echo(f"hosts: {', '.join(told.hosts) or 'none'}")
    typer.echo(f"valid: {told.begins:%Y-%m-%d %H:%M} to {told.ends:%Y-%m-%d %H:%M} UTC")
