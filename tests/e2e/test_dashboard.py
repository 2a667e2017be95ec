# SPDX-License-Identifier: BSD-2-Clause
"""The dashboard: every expression of it, asked of a real Prometheus with data behind it, has an answer. The rules of
tools/prometheus are loaded beside it, and what they record is there too."""

import itertools
import json
import math
import re
from pathlib import Path

from lib import acts
import pytest
from lib import scene as scenes

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "tools" / "grafana" / "keepwatch.json").read_text())
RULES = [ROOT / "tools" / "prometheus" / name for name in ("recording.yml", "alerts.yml")]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
VARIABLES = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
GRAFANA = {"$__rate_interval": "30s", "$__range": "5m"}
RECORDED = re.compile(r"^      - record: (\S+)$", re.M)


def filled(text):
    """The expression with all variables replaced as Grafana does it, with all values chosen."""
    for name, value in GRAFANA.items():
        text = text.replace(name, value)
    for name in VARIABLES:
        text = text.replace(f"${name}", ".*")
    assert "$" not in text, text
    return text


def expressions():
    return [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]


def is_answered(found):
    return any(not math.isnan(value) for _, value in found)


def unanswered(prometheus, asked):
    """The expressions that have no value, or a value that is not a number."""
    return [(what, text) for what, text in asked if not is_answered(prometheus.query(text))]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_is_whole(panel):
    assert panel["targets"] and panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [target["refId"] for target in panel["targets"]] == list("ABCD"[: len(panel["targets"])])
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    assert {target["format"] for target in panel["targets"]} <= {"time_series", "table", "heatmap"}


def test_no_two_panels_share_a_number_or_a_place():
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in itertools.combinations(places, 2):
        assert (one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
                or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]), (one, other)


def test_every_expression_has_an_answer(tmp_path, own_closed_port):
    asked = [(title, filled(expression)) for title, expression in expressions()]
    asked += [(name, name) for path in RULES for name in RECORDED.findall(path.read_text())]
    for name, variable in VARIABLES.items():
        if variable["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()
            assert label == name
            asked.append((name, f"count by ({label}) ({filled(metric)})"))
    with scenes.scene(tmp_path, own_closed_port, RULES) as scene:
        scene.play()
        left = asked

        def all_answered():
            """Keeps making traffic, because rates need events between two scrapes."""
            nonlocal left
            acts.make_traffic(scene.listeners["main"])
            acts.refuse_tls(scene.listeners["main"])
            acts.speak_http2(scene.listeners["streams"])
            acts.fail_as_gateway(scene.listeners["main"], own_closed_port)
            acts.send_on(scene.listeners["more"], scene.listeners["refused"])
            scene.close_unannounced()
            left = unanswered(scene.prometheus, left)
            return not left

        assert scene.daemon.comes_true(all_answered), left
        assert unanswered(scene.prometheus, asked) == []
        names = {name for name in scene.daemon.scrape().types if name.startswith("keepwatch_")}
        told = " ".join(expression for _, expression in expressions())
        assert [name for name in sorted(names) if name not in told] == []
        check_rules(scene)


def check_rules(scene):
    """Prometheus evaluates each without an error, and exactly the alerts fire that this traffic deserves."""
    rules = [rule for group in scene.prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}, rules
    firing = {rule["name"] for rule in rules if rule.get("state") == "firing"}
    assert "KeepwatchKeepAliveRace" in firing
    assert not firing & {"KeepwatchDown", "KeepwatchEventsLost"}
