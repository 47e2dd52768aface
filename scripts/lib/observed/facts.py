"""What no linter knows of alerts, runbooks, dashboards and metrics: that each has the other.

    facts.py alerts BINARY         every alert has a page and cases, every command on a page exists
    facts.py broken EXPRESSION     prints the rules with this expression in each
    facts.py dashboards            every metric that is documented is on a dashboard, and no other
    facts.py live METRICS          a live service shows what is documented, and no other
    facts.py holds PROMETHEUS ALERT KIND   an alert's expression holds there, of this kind of saga
    facts.py shows PROMETHEUS PANEL KIND   a panel shows this kind there, above zero
    facts.py answered PROMETHEUS   every expression of every dashboard has an answer there
"""

import json
import math
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

RULES = pathlib.Path("prometheus/rules/payflow.yaml")
CASES = pathlib.Path("prometheus/tests/payflow.yaml")
PAGES = pathlib.Path("docs/runbooks")
METRICS = pathlib.Path("docs/metrics.md")
DASHBOARDS = pathlib.Path("grafana/dashboards")
# What a histogram is shown as.
PARTS = ("_bucket", "_sum", "_count")
# What needs the broker's secrets, and which Deployments of the chart are told them (deploy/facts.py).
SPEAKS_WITH_THE_BROKER = {"doctor", "dead-letters"}
KNOWN_TO_THE_BROKER = {"worker", "relay", "all"}
# Not there without a fault, or a setting that the live run cannot have; and why.
ABSENT = {
    "payflow_certificate_expires_seconds": "the settings of the live run name no certificates",
}
# What Grafana puts in for its variables.
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$namespace": ".*"}


def fail(text):
    print(text, file=sys.stderr)
    fail.count += 1


fail.count = 0


def documented():
    """Every metric of the page, the process's included: its name and its sort."""
    page = METRICS.read_text()
    rows = dict(re.findall(r"^\| `(payflow_\w+)` \| (\w+) \|", page, re.M))
    rows.update({name: "process" for name in re.findall(r"`(process_\w+)`", page)})
    return rows


def whole(name, known):
    """The metric that a series is of."""
    for part in PARTS:
        if name.endswith(part) and known.get(name.removesuffix(part)) == "histogram":
            return name.removesuffix(part)
    return name


def named(expression):
    return re.findall(r"\b((?:payflow|process)_\w+)", expression)


def expressions():
    """Every expression of every dashboard, and where it is."""
    for file in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield f"{file.name}: {panel['title']}", target["expr"]


def alerts(binary):
    known, rules, cases = documented(), RULES.read_text(), CASES.read_text()
    names = re.findall(r"- alert: (\w+)", rules)
    index = (PAGES / "README.md").read_text()
    for name in names:
        for case in ("fires", "does not fire"):
            if f"name: {name} {case}\n" not in cases:
                fail(f"{CASES}: no case in which {name} {case}")
        if f"runbook: docs/runbooks/{name}.md" not in rules:
            fail(f"{RULES}: {name} does not name its page")
        if not (PAGES / f"{name}.md").exists():
            fail(f"{name} has no page")
        if f"[`{name}`]({name}.md)" not in index:
            fail(f"{PAGES}/README.md does not list {name}")
    pages = {page.stem for page in PAGES.glob("*.md")} - {"README"}
    for page in sorted(pages - set(names)):
        fail(f"{PAGES}/{page}.md is of no alert")
    for name in named(rules):
        if whole(name, known) not in known:
            fail(f"{RULES}: {name} is not documented")
    commands(binary)
    places()


def broken(expression):
    each = re.compile(r"expr: .*?\n(?=        (?:for|labels):)", re.S)
    print(each.sub(f"expr: {expression}\n", RULES.read_text()))


def commands(binary):
    """Each command that a page tells to run is one: its help is shown."""
    told = set()
    for page in sorted(PAGES.glob("*.md")):
        for words in re.findall(r"`(?:[^`]* )?payflow ([a-z][a-z -]*)", page.read_text()):
            told.add(tuple(word for word in words.split() if not word.startswith("-"))[:2])
    for words in sorted(told):
        shown = subprocess.run([binary, *words, "--help"], capture_output=True, check=False)
        if shown.returncode != 0:
            fail(f"there is no command: payflow {' '.join(words)}")
    if len(told) < 10:
        fail(f"only {len(told)} commands are found on the pages")


def places():
    """What speaks with the broker is run where the broker's secrets are."""
    run = 0
    for page in [*sorted(PAGES.glob("*.md")), *sorted(pathlib.Path("docs").glob("*.md"))]:
        for role, command in re.findall(r"deploy/payflow-(\w+) -- payflow ([a-z-]+)", page.read_text()):
            run += command in SPEAKS_WITH_THE_BROKER
            if command in SPEAKS_WITH_THE_BROKER and role not in KNOWN_TO_THE_BROKER:
                fail(f"{page}: {command} is run in {role}, which the broker does not know")
    if run < 4:
        fail(f"only {run} commands are found that speak with the broker")


def dashboards():
    known = documented()
    shown = {whole(name, known) for _, text in expressions() for name in named(text)}
    for name, sort in known.items():
        if name not in shown and sort != "process":
            fail(f"{name} is on no dashboard")
    for name in sorted(shown - set(known)):
        fail(f"{name} is on a dashboard, and is no metric")


def live(url):
    known = documented()
    with urllib.request.urlopen(url, timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    shown = {whole(re.match(r"\w+", line).group(), known) for line in lines}
    for name in sorted(shown - set(known)):
        fail(f"the service shows {name}, which is not documented")
    for name in sorted(set(known) - shown - set(ABSENT)):
        fail(f"{name} is documented, and the service does not show it")
    print(f"{len(shown)} metrics, {len(lines)} series")


def asked(url, text):
    """What Prometheus answers to an expression, with what Grafana would put in."""
    for variable, value in VARIABLES.items():
        text = text.replace(variable, value)
    query = urllib.parse.urlencode({"query": text})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=20) as answer:
        return json.load(answer)["data"]["result"]


def of_kind(found, kind):
    """Whether one of the series is of this kind, and above zero."""
    mine = [series for series in found if series["metric"].get("kind") == kind]
    return any(float(series["value"][1]) > 0 for series in mine)


def holds(url, alert, kind):
    expression = re.search(rf"- alert: {alert}\n +expr: (.+)\n", RULES.read_text()).group(1)
    if not of_kind(asked(url, expression), kind):
        fail(f"{alert} does not hold of {kind}")


def shows(url, panel, kind):
    texts = [text for place, text in expressions() if place.endswith(f": {panel}")]
    if not any(of_kind(asked(url, text), kind) for text in texts):
        fail(f"{panel} does not show {kind}")


def answered(url):
    count = 0
    for place, text in expressions():
        count += 1
        try:
            found = asked(url, text)
        except urllib.error.HTTPError as error:
            fail(f"{place}: {error.read().decode()}: {text}")
            continue
        if not any(math.isfinite(float(series["value"][1])) for series in found):
            fail(f"{place} is empty: {text}")
    print(f"{count} expressions")


if __name__ == "__main__":
    for check in (alerts, broken, dashboards, live, answered, holds, shows):
        if check.__name__ == sys.argv[1]:
            check(*sys.argv[2:])
    sys.exit(1 if fail.count else 0)
