"""That infra/project writes what it should, and that infra/deploy turns the canary off where it must: python3 commands.py.

Nothing is built, uploaded or deployed. Prints what is not as it must be.
"""

import importlib.machinery
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ENVIRONMENTS = ("dev", "staging", "prod")
FAILED = []


def expect(what, holds):
    if not holds:
        FAILED.append(what)


def run(*command):
    return subprocess.run([str(ROOT / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True)


def strings(value, key=None):
    """Every text in it, with the key it stands under."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield from strings(inside, name)
    elif isinstance(value, list):
        for inside in value:
            yield from strings(inside, key)
    elif isinstance(value, str):
        yield key, value


def projects():
    routes = [re.escape(path).replace(r"\{field\}", "[a-z_]+") for path in re.findall(r"RouteKey: \w+ (\S+)", (ROOT / "template.yaml").read_text())]
    # The address is no placeholder any more by then.
    texts = [path.read_text().replace("https://api.example.com", "") for path in (ROOT / "infra/hubspot").rglob("*.json")]
    placeholders = sum(len(set(re.findall(r'"[^"\s]*example\.com[^"\s]*"|"\+1555\d+"', text))) for text in texts)
    uids = set()
    for environment in ENVIRONMENTS:
        url = f"https://{environment}.example.org/in/front"
        # Not where what an owner uploads is written to.
        with tempfile.TemporaryDirectory() as written_to:
            written = run("infra/project", environment, url, written_to)
            folder = pathlib.Path(written_to)
            files = {path.relative_to(folder): json.loads(path.read_text()) for path in folder.rglob("*.json")}
        expect(f"{environment}: a project, an app and three actions: {written.stderr}", len(files) == 5)
        for path, file in files.items():
            expect(f"{environment}: {path} belongs to no other environment", "uid" not in file or file["uid"] not in uids)
            uids.add(file.get("uid"))
            for key, text in strings(file):
                expect(f"{environment}: {path} has the placeholder", "https://api.example.com" not in text)
                if key in ("actionUrl", "optionsUrl", "redirectUrls"):
                    routed = text.startswith(url) and any(re.fullmatch(route, text.removeprefix(url)) for route in routes)
                    expect(f"{environment}: {path}, {key} leads nowhere: {text}", routed)
        app = files[pathlib.Path("src/app/app-hsmeta.json")]
        expect(f"{environment}: pages may call it", app["config"]["permittedUrls"]["fetch"] == [url])
        named = [app["config"]["name"], files[pathlib.Path("hsproject.json")]["name"]]
        expect(f"{environment} is said in {named}", all(name.endswith((f"-{environment}", f"({environment})")) == (environment != "prod") for name in named))
        expect(f"{environment}: what is still a placeholder is told", written.stdout.count("still a placeholder") == placeholders)
    for wrong in ("http://api.example.org", "https://api.example.org/", "https://api.example.org?x=1", "api.example.org"):
        expect(f"{wrong} is refused", run("infra/project", "dev", wrong).returncode != 0)


def shown(*arguments):
    """The parameters that infra/deploy would give."""
    told = run("infra/deploy", *arguments, "--show")
    expect(f"{arguments}: {told.stderr}", told.returncode == 0)
    *before, last = told.stdout.splitlines()
    parameters = dict(pair.split("=", 1) for pair in last.split("--parameter-overrides ")[-1].split(" "))
    return before, last, parameters


def deployments():
    for environment in ENVIRONMENTS:
        before, last, parameters = shown(environment)
        expect(f"{environment} is built", before[-1].endswith("infra/build"))
        expect(f"{environment} is called so", parameters["Environment"] == environment and parameters["Release"].isalnum())
        expect(f"{environment} asks, where it is to", "--no-confirm-changeset" not in last)
    prod = shown("prod")[2]
    # An owner's file may say that a switch is thrown.
    thrown = prod.get("ActionsPaused", "false") != "false" or prod.get("SafeModeSince", '""') != '""'
    expect("prod has a canary", thrown or prod["Canary"] == "true")
    expect("nobody is asked on request", "--no-confirm-changeset" in shown("prod", "--yes")[1])
    switches = ("ActionsPaused=true", "ActionsPaused=false", "SafeModeSince=2026-03-02T09:15:30Z", "SafeModeSince=")
    for switch in switches:
        name, value = switch.split("=")
        for more in ([], ["--switch"]):
            before, last, parameters = shown("prod", switch, *more)
            expect(f"{switch} {more} has no canary", parameters.get("Canary") == "false" and parameters[name] == (value or '""'))
            expect(f"{switch} {more}: what is built", ("infra/build" in before[-1]) == (not more))
    _before, last, parameters = shown("prod", "--switch", "ActionsPaused=true")
    expect("a switch changes nothing else", parameters.keys() == {"ActionsPaused", "Canary", "Release"})
    expect("a switch takes the template that is deployed", "--template-file" in last and "--no-confirm-changeset" in last)
    expect("a canary may be asked for with it", shown("prod", "--switch", "Canary=true")[2]["Canary"] == "true")
    expect("a switch without a parameter is refused", run("infra/deploy", "prod", "--switch", "--show").returncode != 0)


def canaries():
    """By what the stack that runs says of itself."""
    loader = importlib.machinery.SourceFileLoader("deploy", str(ROOT / "infra/deploy"))
    deploy = importlib.util.module_from_spec(importlib.util.spec_from_loader("deploy", loader))
    loader.exec_module(deploy)
    running = {"ActionsPaused": "false", "SafeModeSince": "", "Canary": "true"}
    given = {"PublicBaseUrl": "https://api.example.org"}
    expect("another parameter in a stack that runs", deploy.canary(given, given, running) == "true")
    expect("the first deployment", deploy.canary(given, given, {}) == "true")
    for thrown in ({"ActionsPaused": "true"}, {"SafeModeSince": "2026-03-02T09:15:30Z"}):
        expect(f"another parameter while {thrown} runs", deploy.canary(given, given, running | thrown) == "false")
        expect(f"{thrown} stands in the file", deploy.canary(given | thrown, given, running) == "false")


if __name__ == "__main__":
    projects()
    deployments()
    canaries()
    for what in FAILED:
        print(f"not so: {what}")
    sys.exit(1 if FAILED else 0)
