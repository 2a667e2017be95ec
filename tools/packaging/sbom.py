#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prints what a package is made of, as SPDX 2.3 in JSON: the package, the libraries that the loader maps for its program,
and the tools and headers that built it. Versions are those that dpkg has installed on this machine; those of the libraries, if
the program is for another one, that it has in the folder ROOT.

    tools/packaging/sbom.py PACKAGE PROGRAM MACHINE [ROOT]       (from the top of the sources; MACHINE as uname has it;
                                                                  SOURCE_DATE_EPOCH is the time of the document)"""

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.append("tools")

import libraries  # noqa: E402

DPKG = "var/lib/dpkg"
FIELDS = {"name": "Package", "version": "Version", "architecture": "Architecture", "source": "source:Package",
          "source_version": "source:Version", "homepage": "Homepage"}
RELATION = "spdxElementId", "relationshipType", "relatedSpdxElement"
LICENSES = "BSD-2-Clause AND GPL-2.0-only AND (GPL-2.0-only OR BSD-2-Clause)"
INCLUDED = {"uthash-dev", "libbpf-dev"}  # code in their headers becomes a part of the program


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def installed(names, root=Path("/")):
    """The fields of these packages as dpkg has them, by name; without packages that it does not know."""
    form = "\x1f".join(f"${{{field}}}" for field in FIELDS.values()) + "\x1e"
    known = subprocess.run(["dpkg-query", f"--admindir={root / DPKG}", "-W", "-f", form, *names], capture_output=True, text=True, check=False).stdout
    found = (dict(zip(FIELDS, entry.split("\x1f"))) for entry in known.split("\x1e") if entry)
    return {package["name"]: package for package in found if package["version"]}


def owner(path, root):
    """The package that a library is from. One that has moved below /usr may be listed under its old name."""
    path = f"/{Path(path).resolve().relative_to(root.resolve())}"
    for name in path, path.removeprefix("/usr"):
        found = subprocess.run(["dpkg-query", f"--admindir={root / DPKG}", "-S", name], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return found.stdout.partition(":")[0]
    raise SystemExit(f"sbom: no package has {path}")


def links(program, machine, root):
    """{name of a package: the packages that it links to}; the program's own is named None."""
    paths = {Path(place).name: path for place, path in libraries.mapped(program, root, machine).items()}
    owners = {name: owner(path, root) for name, path in paths.items()}
    found = {}
    for who, path in [(None, program), *((owners[name], path) for name, path in paths.items())]:
        found.setdefault(who, set()).update(owners[name] for name in libraries.needed(path))
    return {who: sorted(linked - {who}) for who, linked in found.items()}


def identifier(name):
    return "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def purl(package, vendor):
    version = package["version"].replace(":", "%3A").replace("+", "%2B")
    return f"pkg:deb/{vendor}{package['name'].replace('+', '%2B')}@{version}?arch={package['architecture']}"


def describe(package, vendor, supplier, **more):
    """A package as SPDX has it. Its licence and copyright are in its own files, and dpkg does not know them."""
    return {
        "SPDXID": identifier(package["name"]), "name": package["name"], "versionInfo": package["version"],
        "supplier": f"Organization: {supplier}",
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
        **({"homepage": package["homepage"]} if package["homepage"] else {}),
        **({"sourceInfo": f"built from {package['source']} {package['source_version']}"} if package["source"] else {}),
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": purl(package, vendor)}],
        **more,
    }


def own(path):
    """The package itself, whose fields dpkg-deb reads from its file."""
    fields = dict(re.findall(r"^([A-Z]\S+): (.*)$", output("dpkg-deb", "--field", path), re.MULTILINE))
    package = {key: fields.get(field, "") for key, field in FIELDS.items()}
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    supplier = re.sub(r" *<.*>", "", fields["Maintainer"])
    return digest, describe(package, "", supplier, packageFileName=Path(path).name, licenseDeclared=LICENSES,
                            checksums=[{"algorithm": "SHA256", "checksumValue": digest}], copyrightText="The keepwatch authors")


def distribution():
    """The name of this distribution in the addresses of packages, and that for people."""
    fields = dict(re.findall(r'^(ID|NAME)="?([^"\n]+)', Path("/etc/os-release").read_text(), re.MULTILINE))
    return fields["ID"] + "/", fields["NAME"]


def relations(me, linked, tools):
    """Triples: one element, its relation to another, and that other."""
    yield "SPDXRef-DOCUMENT", "DESCRIBES", me
    for who, of_it in linked.items():
        for library in of_it:
            yield identifier(who) if who else me, "DYNAMIC_LINK", identifier(library)
    for tool in tools:
        if tool in INCLUDED:
            yield me, "STATIC_LINK", identifier(tool)
        else:
            yield identifier(tool), "BUILD_DEPENDENCY_OF", me


def document(path, program, machine, root):
    digest, me = own(path)
    linked, (vendor, supplier) = links(program, machine, root), distribution()
    tools = installed(output("tools/setup.sh", "--list", "build").split())
    linked_with = installed([name for name in linked if name], root)
    made = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    packages = {**tools, **linked_with}
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": Path(path).stem,
        "documentNamespace": f"https://keepwatch.example/spdx/{Path(path).stem}-{digest}",
        "creationInfo": {"created": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Organization: The keepwatch maintainers", "Tool: keepwatch-sbom.py"]},
        "packages": [me, *(describe(packages[name], vendor, supplier) for name in sorted(packages))],
        "relationships": [dict(zip(RELATION, triple)) for triple in sorted(relations(me["SPDXID"], linked, tools))],
    }


def main():
    if len(sys.argv) not in (4, 5):
        raise SystemExit(f"usage: {sys.argv[0]} PACKAGE PROGRAM MACHINE [ROOT]")
    path, program, machine, *root = sys.argv[1:]
    print(json.dumps(document(path, program, machine, Path(*root or "/")), indent=2, ensure_ascii=False))


main()
