# SPDX-License-Identifier: Apache-2.0
"""The messages are those of the ecosystem: names, numbers and types."""

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from collect import model
from collect.model import inventory_pb2, pollaris_pb2

TYPES = {
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_DOUBLE: "double",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_UINT32: "uint32",
    FieldDescriptor.TYPE_UINT64: "uint64",
}

POLLARIS = {
    "L8Pollaris": "1 name string, 2 vendor string, 3 series string, 4 family string, "
    "5 software string, 6 hardware string, 7 version string, 8 groups []string, "
    "9 polling map<string,L8Poll>, 10 order []string",
    "L8Poll": "1 name string, 2 what string, 3 operation L8C_Operation, 4 protocol L8PProtocol, "
    "5 cadence L8PCadencePlan, 6 timeout int64, 7 attributes []L8PAttribute, 8 bodyName string, "
    "9 respName string, 10 always bool",
    "L8PAttribute": "1 property_id map<string,string>, 2 rules []L8PRule",
    "L8PRule": "1 name string, 2 params map<string,L8PParameter>",
    "L8PParameter": "1 name string, 2 value string",
    "L8PCadencePlan": "1 cadences []int64, 2 startups []int64, 3 current int32, 4 enabled bool",
    "L8PTarget": "1 target_id string, 2 links_id string, 3 hosts map<string,L8PHost>, "
    "4 state L8PTargetState, 5 inventory_type L8PTargetType",
    "L8PTargetList": "1 list []L8PTarget, 2 metadata L8MetaData",
    "L8PHost": "1 host_id string, 3 configs map<int32,L8PHostProtocol>, "
    "4 polls map<string,string>, 5 groups map<string,string>",
    "L8PHostProtocol": "1 protocol L8PProtocol, 2 addr string, 3 port int32, 4 cred_id string, "
    "5 prompt []string, 6 terminal string, 7 terminal_commands []string, 8 timeout int64, "
    "9 cert string, 10 http_prefix string, 11 ainfo AuthInfo",
    "AuthInfo": "1 need_auth bool, 2 authBody string, 3 authUserField string, "
    "4 authPassField string, 5 authResp string, 6 authToken string, 7 auth_path string, "
    "8 isApiKey bool, 9 api_user string, 10 api_key string, 11 session_auth bool, "
    "12 session_page string, 13 csrf_source string, 14 csrf_pattern string, "
    "15 preset_cookies map<string,string>",
    "TargetAction": "1 actionType L8PTargetType, 2 actionState L8PTargetState",
    "CJob": "1 error string, 2 result bytes, 3 started int64, 4 ended int64, "
    "5 cadence L8PCadencePlan, 6 timeout int64, 7 target_id string, 8 host_id string, "
    "9 pollaris_name string, 10 job_name string, 11 linksId string, "
    "12 arguments map<string,string>, 13 last_result_hash uint64, 14 error_count int32, "
    "15 always bool",
    "CMap": "1 data map<string,bytes>",
    "CTable": "1 columns map<int32,string>, 2 rows map<int32,CRow>",
    "CRow": "1 data map<int32,bytes>",
}
INVENTORY = {
    "NetworkDevice": "1 id string, 2 equipmentinfo EquipmentInfo, "
    "100 interfaces map<string,Interface>",
    "NetworkDeviceList": "1 list []NetworkDevice, 2 metadata L8MetaData",
    "EquipmentInfo": "1 vendor string, 2 series string, 3 family string, 4 software string, "
    "5 hardware string, 6 version string, 7 sys_name string, 8 sys_oid string, 9 model string, "
    "10 serial_number string, 11 firmware_version string, 12 ip_address string, "
    "13 device_type DeviceType, 14 location string, 15 latitude double, 16 longitude double, "
    "17 device_status DeviceStatus, 18 last_seen string, 19 uptime string, 20 device_id uint32, "
    "21 interface_count uint32, 22 vendor_type_oid string, 23 physical_alias string, "
    "24 asset_id string, 25 is_fru bool, 26 manufacturing_date string, "
    "27 manufacturer_name string, 28 identification_uris string, 100 description string, "
    "101 contact string",
    "Interface": "1 id string, 2 name string, 3 status string, 4 description string, "
    "5 interface_type InterfaceType, 6 speed uint64, 7 mac_address string, 8 ip_address string, "
    "9 mtu uint32, 10 admin_status bool, 15 statistics InterfaceStatistics, 17 vrf_name string",
    "InterfaceStatistics": "1 rx_packets uint64, 2 tx_packets uint64, 3 rx_bytes uint64, "
    "4 tx_bytes uint64, 5 rx_errors uint64, 6 tx_errors uint64, 7 rx_drops uint64, "
    "8 tx_drops uint64, 9 collisions uint64",
}
ENUMS = {
    "L8C_Operation": "Invalid_Operation L8C_Get L8C_Map L8C_Table",
    "L8PProtocol": "L8PInvalid_Protocol L8PSSH L8PPSNMPV2 L8PSNMPV3 L8PRESTAPI L8PNETCONF L8PGRPC "
    "L8PKubectl L8PGraphQL L8PKubernetesAPI",
    "L8PTargetState": "InvalidState Down Up Maintenance Offline",
    "L8PTargetType": "InvalidType Network_Device GPUS Hosts Virtual_Machine K8s_Cluster Storage "
    "Power Vending_Machine",
    "DeviceType": "UNKNOWN ROUTER SWITCH FIREWALL LOAD_BALANCER ACCESS_POINT SERVER STORAGE "
    "GATEWAY GPU_SERVER",
    "DeviceStatus": "UNKNOWN ONLINE OFFLINE WARNING CRITICAL MAINTENANCE PARTIAL",
    "InterfaceType": "UNKNOWN ETHERNET FAST_ETHERNET GIGABIT_ETHERNET 10GIGE 25GIGE 40GIGE "
    "100GIGE SERIAL ATM FRAME_RELAY LOOPBACK MANAGEMENT TUNNEL VLAN BRIDGE",
}
PREFIXES = {
    "DeviceType": "DEVICE_TYPE_",
    "DeviceStatus": "DEVICE_STATUS_",
    "InterfaceType": "INTERFACE_TYPE_",
}


def type_of(field: FieldDescriptor) -> str:
    """Type of a field as the tables write it."""
    if field.message_type and field.message_type.GetOptions().map_entry:
        parts = field.message_type.fields_by_name
        return f"map<{type_of(parts['key'])},{type_of(parts['value'])}>"
    named = field.message_type or field.enum_type
    name = str(named.name) if named else TYPES[field.type]
    return f"[]{name}" if field.is_repeated else name


def table_of(message: Descriptor) -> str:
    """Fields of a message as the tables write them."""
    return ", ".join(f"{one.number} {one.name} {type_of(one)}" for one in message.fields)


@pytest.mark.feature("TGT-01", "TGT-04", "TGT-05")
@pytest.mark.parametrize(("name", "fields"), POLLARIS.items())
def test_messages_of_collection_have_their_numbers(name: str, fields: str) -> None:
    """As on the wire of the ecosystem."""
    message = pollaris_pb2.DESCRIPTOR.message_types_by_name[name]
    assert (message.full_name, table_of(message)) == (f"l8tpollaris.{name}", fields)


@pytest.mark.parametrize(("name", "fields"), INVENTORY.items())
def test_messages_of_the_inventory_have_their_numbers(name: str, fields: str) -> None:
    """Our own additions begin at 100."""
    message = inventory_pb2.DESCRIPTOR.message_types_by_name[name]
    assert (message.full_name, table_of(message)) == (f"types.{name}", fields)


@pytest.mark.parametrize(("name", "values"), ENUMS.items())
def test_enums_have_their_values(name: str, values: str) -> None:
    """In order, from zero."""
    files = (pollaris_pb2.DESCRIPTOR, inventory_pb2.DESCRIPTOR)
    enums = {key: enum for file in files for key, enum in file.enum_types_by_name.items()}
    prefix = PREFIXES.get(name, "")
    expected = [(prefix + value, number) for number, value in enumerate(values.split())]
    assert [(value.name, value.number) for value in enums[name].values] == expected


def test_every_message_is_exported() -> None:
    """Under its own name."""
    assert set(model.__all__) == set(POLLARIS) | set(INVENTORY)


def test_what_is_read_from_a_device_has_presence() -> None:
    """A zero that was read is told apart from what nobody asked for."""
    for message in (model.EquipmentInfo, model.Interface, model.InterfaceStatistics):
        assert all(field.has_presence for field in message.DESCRIPTOR.fields)
