#!/usr/bin/env python3
"""What the schemas of others cannot know of how the service is installed: facts.py WHAT PATH...

Roles, settings, ports and probes are read from the code, not repeated here.
"""

import pathlib
import re
import sys
import tomllib

import jsonschema
import yaml

HERE = pathlib.Path(__file__).parent
SCHEMAS = {path.stem: path for path in (HERE / "schemas").glob("*.json")}
DEFAULTS = pathlib.Path("config/default.toml").read_text()
ROLES = re.findall(r'=> "(\w+)",', pathlib.Path("src/bootstrap/roles.rs").read_text())
# What of the Secret is told to whom, beside the master keys, which are a file.
SERVING = {"DATABASE_URL", "REDIS_URL", "TOSS_SECRET_KEY", "TOSS_CLIENT_KEY"}
BROKER = {"PAYFLOW_KAFKA__PROPERTIES"}
PROBES = set(re.findall(r'path = "(/health/\w+)"',
                        pathlib.Path("src/presentation/health.rs").read_text()))
USER = 65532
offences = []


def need(holds, what):
    """Notes an offence where something does not hold."""
    if not holds:
        offences.append(what)


def documents(path):
    """The documents of a file that are something."""
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.safe_load_all(file) if document]


def named(document):
    """How a manifest is called in an offence."""
    return f"{document['kind']} {document['metadata']['name']}"


def settings():
    """Every variable that the service reads."""
    names = set(re.findall(r"\b([A-Z]+(?:_[A-Z]+)+) \([a-z_.]+\)", DEFAULTS.replace("\n# ", " ")))
    for section, keys in tomllib.loads(DEFAULTS).items():
        names |= {f"PAYFLOW_{section}__{key}".upper() for key in keys}
    return names | {"PAYFLOW_CONFIG", "PAYFLOW_ROLES"}


def seconds(text):
    """Seconds of "25s" or "1m"."""
    number, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def drain():
    """How long what is under way has to finish, by default."""
    return seconds(tomllib.loads(DEFAULTS)["timings"]["drain"])


def custom(paths):
    """Manifests that Kubernetes does not know by itself fit what we know of them."""
    known = 0
    for document in (document for path in paths for document in documents(path)):
        group = document["apiVersion"].rpartition("/")[0]
        if "." not in group or group.endswith(".k8s.io"):
            continue
        schema = SCHEMAS.get(document["kind"])
        need(schema, f"no schema of {named(document)}")
        if schema:
            known += 1
            validator = jsonschema.Draft7Validator(yaml.safe_load(schema.read_text()))
            for error in validator.iter_errors(document):
                need(False, f"{named(document)}: {error.json_path}: {error.message}")
    need(known, "no such manifest")


def chart(folder):
    """The rendered chart does what the service needs."""
    rendered = {name: documents(pathlib.Path(folder) / f"{name}.yaml")
                for name in ("minimal", "development", "production")}
    for manifests in rendered.values():
        common(manifests)
    production(rendered["production"])
    for name in ("minimal", "development"):
        one_copy(rendered[name])
    kinds = {document["kind"] for document in rendered["development"]}
    need("PersistentVolumeClaim" not in kinds, "development has a volume")
    need(any(d["kind"] == "PersistentVolumeClaim"
             and d["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
             for d in rendered["minimal"]), "minimal's books go with the release")


def of_kind(manifests, kind):
    """The manifests of one kind."""
    return [document for document in manifests if document["kind"] == kind]


def common(manifests):
    """What holds whatever the values are."""
    names = [(d["kind"], d["metadata"]["name"]) for d in manifests]
    need(len(names) == len(set(names)), f"a name is given twice: {names}")
    workloads = of_kind(manifests, "Deployment") + of_kind(manifests, "Job")
    for document in workloads:
        pod_is_confined(document)
    for document in of_kind(manifests, "Deployment"):
        pod = document["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        paths = {container[f"{probe}Probe"]["httpGet"]["path"]
                 for probe in ("startup", "liveness", "readiness")}
        need(paths == PROBES, f"{named(document)} is probed at {paths}")
        live = container["livenessProbe"]["httpGet"]["path"]
        need(live == "/health/live", f"{named(document)} dies with its database")
        variables = {variable["name"]: variable for variable in container["env"]}
        drained = seconds(variables["PAYFLOW_TIMINGS__DRAIN"]["value"])
        slept = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        grace = pod["terminationGracePeriodSeconds"]
        need(grace >= drained + slept + 5, f"{named(document)} is killed while it drains")
        selected = document["spec"]["selector"]["matchLabels"].items()
        labels = document["spec"]["template"]["metadata"]["labels"].items()
        need(selected <= labels, f"{named(document)} selects no pod of its own")
    pods = [d["spec"]["template"]["metadata"]["labels"] for d in of_kind(manifests, "Deployment")]
    for document in of_kind(manifests, "Service"):
        wanted = document["spec"]["selector"].items()
        found = sum(wanted <= labels.items() for labels in pods)
        every = document["metadata"]["name"].endswith("-metrics")
        need(found == (len(pods) if every else 1), f"{named(document)} selects {found} of {len(pods)}")
    need(not of_kind(manifests, "Secret"), "the chart makes a secret")


def pod_is_confined(document):
    """Who it runs as, what it may, what it is told."""
    pod = document["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    inside, outside = container["securityContext"], pod["securityContext"]
    need(outside["runAsNonRoot"] and outside["runAsUser"] == USER, f"{named(document)}: user")
    need(outside["seccompProfile"]["type"] == "RuntimeDefault", f"{named(document)}: seccomp")
    need(inside["readOnlyRootFilesystem"] is True, f"{named(document)}: its root can be written")
    need(inside["allowPrivilegeEscalation"] is False, f"{named(document)}: escalation")
    need(inside["capabilities"] == {"drop": ["ALL"]}, f"{named(document)}: capabilities")
    need(pod["automountServiceAccountToken"] is False, f"{named(document)}: token")
    known = settings()
    for variable in container["env"]:
        name = variable["name"]
        need(name in known, f"{named(document)}: there is no setting {name}")
        secret = re.search("KEY$|_URL$|PROPERTIES$|KEYS$", name)
        literal = variable.get("value", "")
        need(not secret or literal.startswith("sqlite:") or "valueFrom" in variable,
             f"{named(document)}: {name} is no secret")
    names = [variable["name"] for variable in container["env"]]
    need(len(names) == len(set(names)), f"{named(document)}: a variable is set twice")


def secrets(container):
    """What it is told out of the Secret."""
    return {variable["name"] for variable in container["env"] if "valueFrom" in variable}


def production(manifests):
    """A Deployment for each role, never with less than before, the schema before all of them."""
    need(len(ROLES) == 6, f"roles of the code: {ROLES}")
    by_role = {d["metadata"]["labels"]["app.kubernetes.io/component"]: d
               for d in of_kind(manifests, "Deployment")}
    need(sorted(by_role) == sorted(ROLES), f"deployments of {sorted(by_role)}")
    for role, document in by_role.items():
        (container,) = document["spec"]["template"]["spec"]["containers"]
        need(container["args"] == ["serve", f"--role={role}"], f"{role} does {container['args']}")
        rolling = document["spec"]["strategy"]["rollingUpdate"]
        need(rolling["maxUnavailable"] == 0, f"{role} has less copies while it is rolled out")
        spread = document["spec"]["template"]["spec"]["topologySpreadConstraints"]
        need(len(spread) == 2, f"{role} is not spread")
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        need("/etc/payflow-secrets" in mounts, f"{role} has no master key")
        told = SERVING | (BROKER if role in ("relay", "worker") else set())
        need(secrets(container) == told, f"{role} is told {secrets(container)}")
        variables = {v["name"]: v.get("value") for v in container["env"]}
        need(variables["PAYFLOW_DATABASE__MIGRATE"] == "false", f"{role} migrates by itself")
        scaled = any(d["spec"]["scaleTargetRef"]["name"] == document["metadata"]["name"]
                     for d in of_kind(manifests, "HorizontalPodAutoscaler"))
        need(scaled != ("replicas" in document["spec"]), f"{role}: who says how many there are?")
        for kind in ("PodDisruptionBudget", "NetworkPolicy"):
            found = [d for d in of_kind(manifests, kind)
                     if d["metadata"]["labels"]["app.kubernetes.io/component"] == role]
            need(len(found) == 1, f"{role} has {len(found)} of {kind}")
    (job,) = of_kind(manifests, "Job")
    hooks = {d["kind"]: int(d["metadata"]["annotations"]["helm.sh/hook-weight"]) for d in manifests
             if d["metadata"].get("annotations", {}).get("helm.sh/hook") == "pre-install,pre-upgrade"}
    need(hooks["ExternalSecret"] < hooks["ConfigMap"] < hooks["Job"], f"order of {hooks}")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    need(container["args"] == ["migrate"], "the job does not migrate")
    need(secrets(container) == {"DATABASE_URL"} | BROKER, f"the job is told {secrets(container)}")
    read = {v["configMap"]["name"] for v in job["spec"]["template"]["spec"]["volumes"]}
    before = {d["metadata"]["name"] for d in of_kind(manifests, "ConfigMap")
              if "helm.sh/hook" in d["metadata"].get("annotations", {})}
    need(read <= before, f"the job reads what is not there yet: {read - before}")
    closed_but_for_what_it_needs(manifests)


def closed_but_for_what_it_needs(manifests):
    """Who may call whom."""
    for document in of_kind(manifests, "NetworkPolicy"):
        role = document["metadata"]["labels"]["app.kubernetes.io/component"]
        spec = document["spec"]
        asked = {port["port"] for rule in spec["ingress"] for port in rule["ports"]}
        wanted = {"api": {"http", "metrics"}, "migrate": set()}.get(role, {"metrics"})
        need(asked == wanted, f"{role} can be asked at {asked}")
        need(all(rule.get("from") for rule in spec["ingress"]), f"{role} is open to everybody")
        called = {port["port"] for rule in spec["egress"] for port in rule["ports"]}
        need((443 in called) == (role in ("api", "worker", "scheduler", "courier")),
             f"{role} calls {called}")
        need((9093 in called) == (role in ("relay", "worker", "migrate")), f"{role} calls {called}")
        need(5432 in called, f"{role} does not reach the database")


def one_copy(manifests):
    """On SQLite there is one, also while it is replaced."""
    (document,) = of_kind(manifests, "Deployment")
    spec = document["spec"]
    need(spec["replicas"] == 1 and spec["strategy"] == {"type": "Recreate"}, "two on one SQLite file")
    (container,) = spec["template"]["spec"]["containers"]
    need(container["args"] == ["serve"], f"the one copy does {container['args']}")
    need(not of_kind(manifests, "Job"), "a job cannot reach the one copy's file")


def beside(rendered, copy):
    """Every file of rules and dashboards is in the chart, as it is."""
    manifests, copy = documents(rendered), pathlib.Path(copy)
    rules = [d["spec"] for d in of_kind(manifests, "PrometheusRule")]
    wanted = [yaml.safe_load(path.read_text()) for path in copy.glob("prometheus/rules/*.yaml")]
    need(len(rules) == len(wanted) > 0, f"{len(rules)} of {len(wanted)} files of rules")
    need(all(rule in rules for rule in wanted), "rules are changed by the chart")
    boards = {name: text for d in of_kind(manifests, "ConfigMap")
              if "-dashboard-" in d["metadata"]["name"] for name, text in d["data"].items()}
    files = list(copy.glob("grafana/dashboards/*.json"))
    need(len(boards) == len(files) > 0, f"{len(boards)} of {len(files)} dashboards")
    for file in files:
        need(boards.get(file.name, "").strip() == file.read_text().strip(), f"{file.name} is changed")


def argo(path):
    """Prints the values that Argo CD installs the chart with, whose place has to be right."""
    (application,) = documents(path)
    source = application["spec"]["source"]
    need(pathlib.Path(source["path"], "Chart.yaml").exists(), f"no chart in {source['path']}")
    yaml.safe_dump(source["helm"]["valuesObject"], sys.stdout)


def compose(path):
    """A service for each role, none of which anybody but this machine reaches."""
    (file,) = documents(path)
    roles = []
    for name, service in file["services"].items():
        need(re.search(r":[\w.-]+$|\$\{", service["image"]), f"{name}: any version of its image")
        for port in service.get("ports", []):
            need(port.startswith("127.0.0.1:"), f"{name} is reached from outside")
        if "build" not in service:
            continue
        need(service["read_only"] and service["cap_drop"] == ["ALL"], f"{name} is not confined")
        need(seconds(service["stop_grace_period"]) >= drain() + 5, f"{name} is killed in its drain")
        for variable in service["environment"]:
            need(variable in settings(), f"{name}: there is no setting {variable}")
        roles += [word.removeprefix("--role=") for word in service["command"] if "--role=" in word]
    need(sorted(roles) == sorted(ROLES), f"roles {sorted(roles)}")
    (scrapes,) = documents("prometheus/prometheus.yml")
    targets = scrapes["scrape_configs"][0]["static_configs"][0]["targets"]
    need(sorted(targets) == sorted(f"{role}:9464" for role in ROLES), f"scraped: {targets}")
    for mount in (m for s in file["services"].values() for m in s.get("volumes", []) if m[0] == "."):
        folder = pathlib.Path(mount.split(":")[0])
        need(folder.exists(), f"{folder} is mounted, and is not there")


def container(path):
    """Its user, its listeners, and that its build reads what .dockerignore lets in."""
    text = pathlib.Path(path).read_text()
    last = text[text.rindex("\nFROM "):]
    need("FROM scratch" in last and "COPY --from=build /image /" in last, "another last stage")
    need(f"\nUSER {USER}:{USER}\n" in last, "another user")
    need("--locked" in text and "--no-default-features" in text, "built as nobody tests it")
    for name in re.findall(r"^ENV (\w+)=", last, re.M):
        need(name in settings() | {"PATH", "SQLITE_TMPDIR"}, f"there is no setting {name}")
    let_in = set(re.findall(r"^!([\w.]+)$", pathlib.Path(".dockerignore").read_text(), re.M))
    members = re.search(r"members = \[(.*?)\]", pathlib.Path("Cargo.toml").read_text(), re.S)
    for member in re.findall(r'"(\w+)[^"]*"', members.group(1)):
        need(member in let_in, f".dockerignore keeps {member} out")
    for entry in let_in:
        need(pathlib.Path(entry).exists(), f".dockerignore lets in {entry}, which is not there")


def units(folder):
    """Both are confined alike, and are given their time to end."""
    hardening = []
    for path in sorted(pathlib.Path(folder).glob("*.service")):
        text = path.read_text()
        hardening.append(text[text.index("# What it may not do"):])
        stop = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.M).group(1))
        need(stop >= drain() + 5, f"{path} is killed in its drain")
        for name in re.findall(r"^Environment=(\w+)=", text, re.M):
            need(name in settings() | {"SQLITE_TMPDIR"}, f"{path}: there is no setting {name}")
    need(len(hardening) == 2 and len(set(hardening)) == 1, "the units differ in what they may do")


def workflows(folder):
    """They run steps that there are, with the compiler that the image is built with, and may little."""
    steps = set(re.findall(r'^  "(\w+) +\w', pathlib.Path("scripts/test").read_text(), re.M))
    image = re.search(r"rust:([\d.]+)", pathlib.Path("Containerfile").read_text()).group(1)
    asked, whole = set(), False
    for path in pathlib.Path(folder).glob("*.yml"):
        (workflow,) = documents(path)
        need(workflow["permissions"] == {"contents": "read"}, f"{path} may too much")
        text = path.read_text()
        for version in re.findall(r"rust:([\d.]+)", text):
            need(version == image, f"{path} builds with {version}, the image with {image}")
        # A job that is another workflow is looked at where that is written.
        own = [job for job in workflow["jobs"].values() if "uses" not in job]
        for job in own:
            need("timeout-minutes" in job, f"{path}: a job that never ends")
            for step in job["steps"]:
                some = set(step.get("env", {}).get("PAYFLOW_TEST_STEPS", "").split())
                whole |= "./scripts/test" in step.get("run", "") and not some
                asked |= some
        if "workflow_call" not in workflow.get(True, workflow.get("on", {})):
            need(publishes_only_tested(workflow["jobs"]), f"{path} publishes what was not tested")
    need(whole, f"no job of {folder} runs every step")
    need(asked and asked <= steps, f"no such steps: {sorted(asked - steps)}")


def publishes_only_tested(jobs):
    """Whether every job that may write somewhere waits for the suite."""
    suites = {name for name, job in jobs.items() if job.get("uses", "").endswith("/ci.yml")}
    writes = [job for job in jobs.values() if "write" in job.get("permissions", {}).values()]
    return all(suites & set([job.get("needs")]) for job in writes)


what, *paths = sys.argv[1:]
if what == "custom":
    custom(paths)
else:
    {"chart": chart, "beside": beside, "argo": argo, "compose": compose, "container": container,
     "units": units, "workflows": workflows}[what](*paths)
if offences:
    sys.exit("\n".join(offences))
