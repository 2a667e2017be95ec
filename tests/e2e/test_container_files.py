# SPDX-License-Identifier: BSD-2-Clause
"""Compares the files for containers with sources and program, because there is no engine and no cluster here."""

import re
import subprocess
import sys

import pytest
import yaml

from lib import observer

sys.path.insert(0, str(observer.ROOT / "tools"))
import libraries  # noqa: E402

FOLDER = observer.ROOT / "tools" / "containers"
PROGRAM = observer.ROOT / "build" / "keepwatch"  # what goes into an image; no other build that is being tested
VERSION = (observer.ROOT / "tools/packaging/debian/changelog").read_text().partition("(")[2].partition(")")[0]


@pytest.fixture(scope="module")
def wanted():
    """The capabilities that the program asks for."""
    check = subprocess.run([observer.BINARY, "check"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^ok +CAP_(\w+)$", check, re.M)
    assert len(found) == 5
    return set(found)


@pytest.fixture(scope="module")
def dockerfile():
    """[(instruction, rest)]"""
    text = re.sub(r"^ *#.*\n", "", (FOLDER / "Dockerfile").read_text(), flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def manifest():
    """{kind: object}"""
    objects = list(yaml.safe_load_all((FOLDER / "daemonset.yaml").read_text()))
    assert [one["kind"] for one in objects] == ["Namespace", "ConfigMap", "DaemonSet"]
    return {one["kind"]: one for one in objects}


def packages(dockerfile, stage):
    (line,) = [rest for name, rest in stages(dockerfile)[stage] if name == "RUN" and "apt-get install" in rest]
    return set(re.search(r"--no-install-recommends ([^&]*)", line)[1].split())


def stages(dockerfile):
    found = []
    for instruction in dockerfile:
        if instruction[0] == "FROM":
            found.append([])
        found[-1].append(instruction)
    assert len(found) == 2
    return found


def test_the_image_is_built_with_what_setup_installs(dockerfile):
    setup = (observer.ROOT / "tools" / "setup.sh").read_text()
    assert packages(dockerfile, 0) == set(re.search(r'^apt_build="([^"]*)"', setup, re.M)[1].split())


def test_the_image_has_the_libraries_that_the_program_loads(dockerfile):
    owners = set()
    for name in libraries.needed(PROGRAM):
        found = subprocess.run(["dpkg", "-S", f"*-linux-gnu/{name}"], capture_output=True, text=True, check=True).stdout
        owners.update(line.split(":")[0] for line in found.splitlines())
    assert packages(dockerfile, 1) == owners - {"libc6"}


def test_the_image_runs_the_program_on_its_configuration(dockerfile):
    build, final = stages(dockerfile)
    assert ("RUN", "make -C /src install DESTDIR=/tree PREFIX=/usr") in build
    assert build[0][1].split()[0] == final[0][1], "what it was built on, it runs on"
    copied = [rest.split()[-1] for name, rest in final if name == "COPY"]
    assert copied == ["/usr/bin/keepwatch", "/etc/keepwatch"]
    assert ("ENTRYPOINT", '["/usr/bin/keepwatch"]') in final
    assert ("CMD", '["run", "--config", "/etc/keepwatch/keepwatch.conf"]') in final


def test_docker_is_told_to_give_what_the_program_asks_for(wanted):
    text = (FOLDER / "Dockerfile").read_text()
    assert set(re.findall(r"--cap-add=(\w+)", text)) == wanted
    assert "--cap-drop=ALL" in text


def test_a_pod_gets_what_the_program_asks_for_and_no_more(manifest, wanted):
    pod = manifest["DaemonSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    context = container["securityContext"]
    assert context["capabilities"]["drop"] == ["ALL"]
    assert set(context["capabilities"]["add"]) == wanted
    assert (context["privileged"], context["readOnlyRootFilesystem"]) == (False, True)
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/etc/keepwatch", "/sys/fs/cgroup"}
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert not pod["automountServiceAccountToken"]


def test_pods_run_on_the_processors_that_packages_are_built_for(manifest):
    pod = manifest["DaemonSet"]["spec"]["template"]["spec"]
    wanted = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    ((expression,),) = [term["matchExpressions"] for term in wanted["nodeSelectorTerms"]]
    assert (expression["key"], expression["operator"]) == ("kubernetes.io/arch", "In")
    control = (observer.ROOT / "tools" / "packaging" / "debian" / "control").read_text()
    assert expression["values"] == re.search(r"^Architecture: (.*)$", control, re.M)[1].split()
    assert "--platform " + ",".join(f"linux/{one}" for one in expression["values"]) in (FOLDER / "Dockerfile").read_text()


def test_the_manifest_fits_together(manifest):
    template = manifest["DaemonSet"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    labels = template["metadata"]["labels"]
    assert manifest["DaemonSet"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert container["image"] == f"keepwatch:{VERSION}"
    notes = template["metadata"]["annotations"]
    assert notes == {"prometheus.io/scrape": "true", "prometheus.io/port": "9951", "prometheus.io/path": "/metrics"}
    (port,) = container["ports"]
    assert str(port["containerPort"]) == notes["prometheus.io/port"]
    assert {one["metadata"]["namespace"] for kind, one in manifest.items() if kind != "Namespace"} == {
        manifest["Namespace"]["metadata"]["name"]}


def test_the_configuration_of_the_pods_is_taken_and_says_the_port(manifest, tmp_path):
    path = tmp_path / "keepwatch.conf"
    path.write_text(manifest["ConfigMap"]["data"]["keepwatch.conf"])
    done = subprocess.run(["setpriv", "--bounding-set=-all", observer.BINARY, "run", "--config", path],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, "CAP_BPF" in done.stderr) == (3, True), done.stderr
    assert re.search(r"^listen = \S+:9951$", path.read_text(), re.M)


def test_root_with_these_capabilities_alone_can_observe(wanted, own_listener):
    """The process has the capabilities that the container's process would have."""
    sets = ",".join(["-all", *(f"+{name.lower()}" for name in wanted)])
    port = str(own_listener.getsockname()[1])
    trace = observer.Observer("--json", "--port", port,
                              program=["setpriv", f"--bounding-set={sets}", observer.BINARY, "trace"])
    with trace:
        pass
    assert trace.errors == [observer.OBSERVING]
