"""What schemathesis has to know that the API's description does not say.

The description stays as it is; these additions are made to the copy that is judged by.
"""

import json
import os
import urllib.request

import schemathesis

BASE = os.environ["PACKET_API_URL"]
TOKEN = os.environ["PACKET_API_SERVER_TOKEN"]
PROJECT = os.environ["PACKET_API_PROJECT"]

ERROR = {"$ref": "#/components/schemas/Error"}
UNPROCESSABLE = {
    "description": "Unprocessable Entity",
    "content": {"application/json": {"schema": ERROR}},
}


def ask(path, body=None):
    """The JSON that the server under judgement answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        BASE + path,
        data=data,
        headers={"X-Auth-Token": TOKEN, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def known_ids():
    """Ids that there are, by path: random ones alone would only ever be answered with 404."""
    devices = ask(f"/projects/{PROJECT}/devices?per_page=20")["devices"]
    reservations = [
        ask(f"/projects/{PROJECT}/ips", {"type": kind, "quantity": 4, "metro": "ny"})
        for kind in ("public_ipv4", "private_ipv4", "public_ipv6")
    ]
    ids = [device["id"] for device in devices]
    addresses = [address["id"] for device in devices for address in device["ip_addresses"]]
    return {
        "/projects/{id}": [PROJECT],
        "/devices/{id}": ids[:8],
        "/ips/{id}": addresses[:4] + [reservation["id"] for reservation in reservations],
        # What one operation deletes would be missing for the others.
        "delete": {"/devices/{id}": ids[8:], "/ips/{id}": addresses[4:6]},
    }


def know_ids(path, method, operation, ids):
    """Half of the ids that are tried exist."""
    resource = "/".join(path.split("/")[:3])
    known = ids["delete"].get(resource) if method == "delete" else None
    for parameter in operation.get("parameters", []):
        if parameter.get("in") == "path":
            parameter["schema"] = {
                "anyOf": [
                    {"type": "string", "enum": known or ids[resource]},
                    {"type": "string", "format": "uuid"},
                ]
            }


@schemathesis.hook
def before_load_schema(context, raw_schema):
    ids = known_ids()
    for path, operations in raw_schema["paths"].items():
        for method, operation in operations.items():
            know_ids(path, method, operation, ids)
            # A page number of 0, a flag that is neither true nor false, a body of the wrong shape: the description lists no
            # answer to these for every operation that takes them. They are answered as everywhere else, with 422.
            if "parameters" in operation or "requestBody" in operation:
                operation["responses"].setdefault("422", UNPROCESSABLE)

    # The description says in one place that what is not included comes as a bare href, and in another that an address has a
    # street. A facility's address is not included unless it is asked for.
    schemas = raw_schema["components"]["schemas"]
    schemas["Facility"]["properties"]["address"] = {
        "anyOf": [{"$ref": "#/components/schemas/Address"}, {"$ref": "#/components/schemas/Href"}]
    }

    # Here alone include and exclude have an enumeration, while clients ask facilities for their metro, too. A name that a
    # resource does not have is harmless in the real API, so it is not refused.
    for parameter in raw_schema["paths"]["/facilities"]["get"]["parameters"]:
        if parameter["name"] in ("include", "exclude"):
            del parameter["schema"]["items"]["enum"]

    # packngo, the client that most of this API's users were written with, always sends tags, null where there are none.
    schemas["DeviceCreateInput"]["properties"]["tags"]["nullable"] = True

    # Random names of plans and places do not exist, so bodies that can succeed are given.
    def give(path, method, example):
        raw_schema["paths"][path][method]["requestBody"]["content"]["application/json"]["example"] = example

    give(
        "/projects/{id}/devices",
        "post",
        {"hostname": "judged", "plan": "c3.small.x86", "operating_system": "ubuntu_22_04", "metro": "ny"},
    )
    give("/projects/{id}/ips", "post", {"type": "public_ipv4", "quantity": 1, "metro": "ny", "tags": ["judged"]})
