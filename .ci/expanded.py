"""What the emulator of the deployment smoke ignores or cannot create, looked up in the template as CloudFormation gets it.

Runs with SAM's own Python, which has the translator: python expanded.py [FILE]. Prints what is not as it must be, and writes
the template for prod into FILE.
"""

import json
import logging
import os
import pathlib
import re
import sys
import tomllib

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
logging.disable(logging.WARNING)  # the translator's, about its own metrics

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASES = ("1790000000aaaaaaaaaaaa", "1790000001aaaaaaaaaaaa")
# The only functions with sessions of people; and the only one that makes and deletes token secrets.
WITH_SESSIONS = {"ConnectFunction", "ConsoleFunction"}
MAKES_SECRETS = {"ConnectFunction"}
MAKING = {"secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:TagResource"}


class Policies:
    """No managed policy is named by a short name."""

    def load(self):
        return {}


class Stack:
    """The template as CloudFormation makes it with these parameters: conditions decided, references left as they are."""

    def __init__(self, **parameters):
        template = yaml_parse((ROOT / "template.yaml").read_text().replace("CodeUri: .", "CodeUri: s3://bucket/key"))
        defaults = {name: str(given.get("Default", "")) for name, given in template["Parameters"].items()}
        self.parameters = defaults | parameters
        self.template = transform(template, dict(self.parameters), Policies())
        resources = self.template["Resources"].items()
        self.resources = {
            name: self.decided(resource) for name, resource in resources if self.holds(resource.get("Condition"))
        }

    def holds(self, condition):
        if condition is None:
            return True
        return self.judge(self.template["Conditions"][condition])

    def judge(self, expression):
        (function, of), = expression.items()
        match function:
            case "Condition":
                return self.holds(of)
            case "Fn::Not":
                return not self.judge(of[0])
            case "Fn::And":
                return all(map(self.judge, of))
            case "Fn::Or":
                return any(map(self.judge, of))
            case "Fn::Equals":
                left, right = (self.parameters[side["Ref"]] if isinstance(side, dict) else str(side) for side in of)
                return left == right
        raise ValueError(function)

    def decided(self, value):
        if isinstance(value, list):
            return [decided for item in value if (decided := self.decided(item)) != {"Ref": "AWS::NoValue"}]
        if not isinstance(value, dict):
            return value
        if list(value) == ["Fn::If"]:
            condition, yes, no = value["Fn::If"]
            return self.decided(yes if self.holds(condition) else no)
        pairs = ((key, self.decided(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item != {"Ref": "AWS::NoValue"}}

    def refused(self):
        """Why CloudFormation would not take these parameters."""
        rules = [rule for rule in self.template["Rules"].values() if self.judge(rule["RuleCondition"])]
        every = [asserted for rule in rules for asserted in rule["Assertions"]]
        return [asserted["AssertDescription"] for asserted in every if not self.judge(asserted["Assert"])]

    def of(self, kind):
        return {name: found for name, found in self.resources.items() if found["Type"] == kind}

    def properties(self, name):
        return self.resources[name]["Properties"]


FAILED = []


def expect(what, holds):
    if not holds:
        FAILED.append(what)


def listed(value):
    return value if isinstance(value, list) else [value]


def table(dev, prod):
    for stack, key in ((dev, False), (prod, True)):
        found = stack.properties("Table")
        expect("the table forgets by ttl", found["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True})
        expect("the table can be restored", found["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"])
        expect("the table is encrypted", found["SSESpecification"]["SSEEnabled"])
        expect("with a customer's key where there is one", ("KMSMasterKeyId" in found["SSESpecification"]) == key)
        expect("the table outlives the stack, but not a first deployment that failed", outlives(stack.resources["Table"]))
        expect("so does the app secret", outlives(stack.resources["AppSecret"]))
        expect("every log ends and has the key", all(
            "RetentionInDays" in log["Properties"] and ("KmsKeyId" in log["Properties"]) == key
            for log in stack.of("AWS::Logs::LogGroup").values()
        ))
    expect("prod's table cannot be deleted", prod.properties("Table")["DeletionProtectionEnabled"] is True)
    expect("the key outlives what it encrypts", outlives(prod.resources["Key"]))
    # What the account may do with the key is a closed list; whoever deploys needs these for the alias.
    account = prod.properties("Key")["KeyPolicy"]["Statement"][0]
    expect("the key's alias can be made, moved and deleted", ALIAS <= set(account["Action"]))


ALIAS = {"kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias"}


def outlives(resource):
    return (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def rules():
    """What is refused before anything is changed, by how many rules."""
    for broken, changed in [
        (0, {}),
        (1, {"AlarmEmail": ""}),
        (1, {"RunbookUrl": "infra/RUNBOOK.md"}),
        (1, {"ActionsPaused": "true"}),
        (1, {"SafeModeSince": "2026-03-02T09:15:30Z"}),
        (1, {"Release": ""}),
        (2, {"Alarms": "false"}),
        (1, {"DomainName": "api.example.com"}),
    ]:
        refused = Stack(**{**PROD, "Release": RELEASES[0], **changed}).refused()
        expect(f"prod with {changed or 'what is asked for'} breaks {broken} rules: {refused}", len(refused) == broken)
    expect("dev needs nobody to wake", not Stack(Environment="dev", Alarms="true").refused())


def canary(dev, prod):
    groups = prod.of("AWS::CodeDeploy::DeploymentGroup")
    expect("prod shifts the three actions", len(groups) == 3)
    for name, group in groups.items():
        expect(f"{name} goes back by itself", group["Properties"]["AlarmConfiguration"]["Enabled"] is True)
        expect(f"{name} is watched", watching(group) == CANARIES)
        shift = group["Properties"]["DeploymentConfigName"]["Fn::Sub"][1]["ConfigName"]
        span = 60 * int(re.search(r"^Canary10Percent(\d+)Minutes$", shift)[1])
        for alarm in map(prod.properties, CANARIES):
            once = alarm["EvaluationPeriods"] == alarm["Threshold"] == 1 and "DatapointsToAlarm" not in alarm
            expect(f"{alarm['MetricName']} goes off by one failure, and in time", once and alarm["Period"] <= span / 10)
    expect("dev shifts nothing", not dev.of("AWS::CodeDeploy::DeploymentGroup") and not CANARIES & set(dev.resources))
    versions = [set(Stack(**PROD, Release=release).of("AWS::Lambda::Version")) for release in RELEASES]
    expect("each release is a version", len(versions[0]) == 3 and not versions[0] & versions[1])
    for name, function in (("InvoiceIntegration", "Invoice"), ("EstimateIntegration", "Estimate"), ("ReceiptIntegration", "Receipt")):
        uri = lambda stack: stack.properties(name)["IntegrationUri"]
        expect(f"{name} leads to the alias under a canary", uri(prod) == {"Ref": f"{function}FunctionAliaslive"})
        expect(f"{name} leads to what was deployed last without", uri(dev) == {"Fn::GetAtt": [f"{function}Function", "Arn"]})


# They end a canary, and tell nobody.
CANARIES = {"CanaryFailingAlarm", "CanaryOwnFailuresAlarm", "CanarySignaturesAlarm"}


def watching(group):
    return {alarm["Name"]["Ref"] for alarm in group["Properties"]["AlarmConfiguration"]["Alarms"]}


def alarms(dev, prod):
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    expect("dev has no alarms", not any(map(dev.of, (*kinds, "AWS::SNS::Topic"))))
    plain, composite = map(prod.of, kinds)
    every = {name: of for name, of in (plain | composite).items() if name not in CANARIES}
    members = {name: set(re.findall(r'ALARM\("\$\{(\w+)\}"\)', str(of["Properties"]["AlarmRule"]))) for name, of in composite.items()}
    tells = {name for name, of in every.items() if of["Properties"].get("AlarmActions")}
    expect("composite alarms are of what there is", all(1 < len(of) and of <= set(every) for of in members.values()))
    grouped = set().union(*members.values())
    expect(f"what tells nobody is in a composite alarm, and nothing else: {grouped ^ (set(every) - tells)}", grouped == set(every) - tells)
    expect("what is grouped tells somebody in the end", all(heard(name, members, tells) for name in grouped))
    alone = Stack(**{**PROD, "CompositeAlarms": "false"}, Release=RELEASES[0]).of("AWS::CloudWatch::Alarm")
    topics = [output["Value"]["Ref"] for output in prod.template["Outputs"].values() if "Topic" in str(output["Value"])]
    expect("the stack names its topics", topics == ["PageTopic", "TicketTopic"])
    silent = {name for name, alarm in alone.items() if not alarm["Properties"].get("AlarmActions")}
    expect("without them every alarm tells somebody but those of the canary", silent == CANARIES)
    for name, alarm in plain.items():
        expect(f"{name} looks no farther back than CloudWatch can", all(may_look_back(period, alarm["Properties"]) for period in periods(alarm)))
    costs(sum(len(list(periods(alarm))) for alarm in plain.values()), len(composite))


def heard(name, members, tells):
    return any(name in of and (composite in tells or heard(composite, members, tells)) for composite, of in members.items())


def periods(alarm):
    """One per metric that the alarm looks at."""
    properties = alarm["Properties"]
    if "Period" in properties:
        yield properties["Period"]
        return
    for query in properties["Metrics"]:
        if "MetricStat" in query:
            yield query["MetricStat"]["Period"]
        elif "Period" in query:
            yield query["Period"]


def may_look_back(period, properties):
    return period * properties["EvaluationPeriods"] <= (86_400 if period < 3_600 else 604_800)


def paused():
    """The kill switch wakes nobody who threw it."""
    share = lambda stack: stack.properties("ApiFailingAlarm")["Threshold"]
    thrown = Stack(**{**PROD, "Canary": "false", "ActionsPaused": "true"})
    expect("while actions are paused, all may fail", (share(thrown), share(Stack(**PROD))) == (100, 5))


def refusals(prod):
    """Which lines of the access log, as API Gateway writes them, count as refused."""
    counts = Filter(prod.properties("RefusedActions")["FilterPattern"]).counts
    written = prod.properties("ApiStage")["AccessLogSettings"]["Format"]
    hubspot, scanner = "HubSpot Connect 2.0 (http://dev.hubspot.com/)", "curl/8.5.0"
    for counted, route, status, method, agent in [
        (True, "POST /actions/invoice", "401", "POST", hubspot),
        (True, "POST /actions/receipt", "400", "POST", scanner),
        (True, "POST /actions/estimate", "413", "POST", hubspot),
        (False, "POST /actions/invoice", "200", "POST", hubspot),
        (False, "POST /actions/invoice", "429", "POST", hubspot),
        (False, "POST /actions/invoice", "503", "POST", hubspot),
        (False, "POST /options/{field}", "401", "POST", hubspot),
        (False, "GET /connect/hubspot", "404", "GET", scanner),
        (True, "-", "404", "POST", hubspot),  # a mistyped actionUrl
        (False, "-", "404", "POST", scanner),
        (False, "-", "404", "GET", hubspot),
    ]:
        known = {"routeKey": route, "status": status, "httpMethod": method, "identity.userAgent": agent}
        line = json.loads(re.sub(r"\$context\.([\w.]+)", lambda name: known.get(name[1], "-"), written))
        expect(f"{route} {status} by {agent} counts: {counted}", counts(line) == counted)


class Filter:
    """A filter of CloudWatch Logs over JSON, as far as it is used here: equal or not, `*`, and, or, parentheses."""

    def __init__(self, pattern):
        self.tokens = re.findall(r'[(){}]|&&|\|\||!?=|\$\.\w+|"[^"]*"', pattern)
        expect(f"the filter is read in full: {pattern}", "".join(self.tokens) == re.sub(r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', "", pattern))

    def counts(self, line):
        self.line, self.rest = line, iter(self.tokens[1:])
        holds, end = self.alternatives(next(self.rest))
        return holds and end == "}"

    def alternatives(self, token):
        holds, token = self.conjunction(token)
        while token == "||":
            other, token = self.conjunction(next(self.rest))
            holds = holds or other
        return holds, token

    def conjunction(self, token):
        holds, token = self.comparison(token)
        while token == "&&":
            other, token = self.comparison(next(self.rest))
            holds = holds and other
        return holds, token

    def comparison(self, token):
        if token == "(":
            holds, _end = self.alternatives(next(self.rest))
            return holds, next(self.rest)
        operator, wanted = next(self.rest), next(self.rest).strip('"')
        equal = re.fullmatch(re.escape(wanted).replace(r"\*", ".*"), self.line[token[2:]]) is not None
        return equal == (operator == "="), next(self.rest)


def costs(metrics, composites):
    page = (ROOT / "infra/setup.md").read_text()
    expect(f"setup.md prices {metrics} metrics of alarms", f"| alarms | {metrics} metrics × 0.10" in page)
    expect(f"setup.md prices {composites} composite alarms", f"| composite alarms | {composites} × 0.50" in page)


def dashboard(prod):
    body = prod.properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    names = set(re.findall(r"\$\{([\w:]+)\}", body))
    known = set(prod.template["Parameters"]) | set(prod.resources) | {"AWS::Region"}
    expect(f"the dashboard names what there is: {names - known}", names <= known)
    widgets = json.loads(re.sub(r"\$\{[\w:]+\}", "x", body))["widgets"]
    places = [(widget["x"], widget["y"]) for widget in widgets]
    expect("no widget hides another", len(places) == len(set(places)) > 1)


# Of AWS's own policies: writing its log, and, where it traces, segments. Neither can be seen on the local stack, which holds
# everything else against what the functions use (infra/local/src/grants.rs).
LOGS, TRACES = "AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"


def managed(role):
    return [str(arn).rsplit("/", 1)[-1].rstrip("'}") for arn in role["Properties"].get("ManagedPolicyArns", [])]


def roles(prod):
    own = [function["Properties"]["Role"]["Fn::GetAtt"][0] for function in prod.of("AWS::Lambda::Function").values()]
    expect("every function has a role that no other one has", len(own) == len(set(own)) > 1)
    traced = Stack(**{**PROD, "Release": RELEASES[0], "Tracing": "Active"})
    for name, role in prod.of("AWS::IAM::Role").items():
        function = name.removesuffix("Role")
        if function not in prod.resources:
            continue
        expect(f"{name} may write its log, and nothing else of AWS's own", managed(role) == [LOGS])
        expect(f"{name} may trace where it does", managed(traced.resources[name]) == [LOGS, TRACES])
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                statement_of(function, statement)


def statement_of(function, statement):
    where = f"{function}, {statement['Sid']}"
    actions, resources = listed(statement["Action"]), listed(statement["Resource"])
    expect(f"{where}: no wildcard", not any("*" in action for action in actions) and "*" not in resources)
    if MAKING & set(actions):
        expect(f"{where}: makes no secrets", function in MAKES_SECRETS)
    if not any(action.startswith("dynamodb:") for action in actions):
        return
    expect(f"{where}: nobody reads or deletes the whole table", not {"dynamodb:Scan", "dynamodb:DeleteTable"} & set(actions))
    if all("/index/" in str(resource) for resource in resources):
        expect(f"{where}: an index is only read", actions == ["dynamodb:Query"])
        return
    keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
    expect(f"{where}: says which items", bool(keys))
    if function not in WITH_SESSIONS:
        expect(f"{where}: sees no session or consent", not {"S#*", "SP#*", "O#*", "PENDING"} & set(keys or []))


def tags():
    """The store gives its secrets the stack's tags, by the two parts of their names' prefix."""
    config = tomllib.loads((ROOT / "infra/samconfig.toml").read_text())
    for environment in ("dev", "staging", "prod"):
        given = config[environment]["deploy"]["parameters"]["tags"]
        expect(f"{environment} is tagged", given == ["app=hsqbo", f"environment={environment}"])


def secrets(dev, prod):
    for stack, key in ((dev, ""), (prod, {"Fn::GetAtt": ["Key", "Arn"]})):
        given = stack.properties("ConnectFunction")["Environment"]["Variables"]["KMS_KEY_ID"]
        expect("token secrets are made with the key that the app secret has", given == key)
    settings = prod.properties("ApiStage")["AccessLogSettings"]["Format"]
    expect("the access log has no query string", not any(word in settings for word in ("query", "Query", "requestOverride", "authorizer")))
    closed = Stack(**{**PROD, "Release": RELEASES[0], "DomainName": "api.example.com", "CertificateArn": "arn"}).properties("Api")
    expect("the API's own address is off behind a domain", closed["DisableExecuteApiEndpoint"] is True)


def limits(dev, prod):
    for stack in (dev, prod):
        route = stack.properties("ApiStage")["DefaultRouteSettings"]
        expect("the API is called so often a second at most", {"ThrottlingBurstLimit", "ThrottlingRateLimit"} <= set(route))
        expect("an account with a small quota can have it", not reserved(stack))
    limited = Stack(**{**PROD, "Release": RELEASES[0], "ActionConcurrency": "5"})
    expect("every function is limited where the actions are", reserved(limited) == set(limited.of("AWS::Lambda::Function")))


def reserved(stack):
    functions = stack.of("AWS::Lambda::Function").items()
    return {name for name, function in functions if "ReservedConcurrentExecutions" in function["Properties"]}


OWN = {"DomainName", "CertificateArn", "ActionConcurrency", "Tracing", "ActionsPaused", "SafeModeSince", "PublicBaseUrl"}
PROD = dict(
    pair.split("=", 1)
    for pair in tomllib.loads((ROOT / "infra/samconfig.toml").read_text())["prod"]["deploy"]["parameters"]["parameter_overrides"]
) | {"AlarmEmail": "pager@example.com", "RunbookUrl": "https://example.com/RUNBOOK"}
# What an owner has filled in, or thrown, is no matter of these.
PROD = {name: value for name, value in PROD.items() if name not in OWN}

if __name__ == "__main__":
    dev, prod = Stack(Environment="dev"), Stack(**PROD, Release=RELEASES[0])
    table(dev, prod)
    rules()
    canary(dev, prod)
    alarms(dev, prod)
    paused()
    refusals(prod)
    dashboard(prod)
    roles(prod)
    secrets(dev, prod)
    tags()
    limits(dev, prod)
    for file in sys.argv[1:]:
        pathlib.Path(file).write_text(json.dumps({"Resources": prod.resources}, indent=1))
    for what in FAILED:
        print(f"not so: {what}")
    sys.exit(1 if FAILED else 0)
