# SPDX-License-Identifier: BSD-2-Clause
"""The rules of tools/prometheus: promtool runs what stands beside this file; each runbook is what explain prints."""

import subprocess
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
RULES = [ROOT / "tools" / "prometheus" / name for name in ("recording.yml", "alerts.yml")]
KEEPWATCH = ROOT / "build" / "keepwatch"


def rules(kind):
    """The rules of this kind by name: record or alert."""
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return {rule[kind]: rule for group in groups for rule in group["rules"] if kind in rule}


def cases(name):
    text = (FOLDER / f"{name}.yml").read_text()
    return yaml.safe_load(text.replace("HERE", 'job="keepwatch",instance="a:9951"'))["tests"]


def promtool(*arguments):
    told = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def test_the_rules_are_well_formed():
    assert "FAILED" not in promtool("check", "rules", *map(str, RULES))


@pytest.mark.parametrize("case", cases("alerts") + cases("recording"), ids=lambda case: case["name"])
def test_rules_on_known_series(case, tmp_path):
    alerts = rules("alert")
    for check in case.get("alert_rule_test", ()):
        for expected in check["exp_alerts"]:
            runbook = alerts[check["alertname"]]["annotations"]["runbook"]
            expected["exp_annotations"]["runbook"] = runbook
    settings = {"rule_files": [str(path) for path in RULES], "evaluation_interval": "1m", "tests": [case]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(settings))
    promtool("test", "rules", str(tmp_path / "test.yml"))


def test_every_alert_is_seen_to_fire_and_to_keep_quiet():
    fired, quiet = set(), set()
    for case in cases("alerts"):
        for check in case["alert_rule_test"]:
            (fired if check["exp_alerts"] else quiet).add(check["alertname"])
    assert fired == quiet == set(rules("alert"))


def test_every_recording_rule_is_asked_for():
    asked = {check["expr"] for case in cases("recording") for check in case["promql_expr_test"]}
    by_alerts = {f"reason:keepwatch_{what}:increase5m" for what in ("lost_requests", "gateway_errors")}
    assert asked | by_alerts == set(rules("record"))


@pytest.mark.parametrize("name", rules("alert"))
def test_the_runbook_is_the_page_that_explain_prints(name):
    told = subprocess.run([KEEPWATCH, "explain", name], capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    _, page = told.stdout.split("\n\n", 1)
    assert rules("alert")[name]["annotations"]["runbook"] == page


def test_explain_knows_no_alert_that_there_is_no_rule_for():
    told = subprocess.run([KEEPWATCH, "explain"], capture_output=True, text=True, timeout=60, check=True).stdout
    names = [line.split()[0] for line in told.splitlines() if line.startswith("  Keepwatch")]
    assert names == list(rules("alert"))
