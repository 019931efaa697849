"""Runs template.guard over the template as SAM expands it for prod: python guard.py FILE (expanded.py writes it).

A rule that has nothing to look at fails too; and each must fail on a template with one thing wrong (BROKEN), or it proves
nothing.
"""

import copy
import json
import pathlib
import sys

# The binding's short report loses its beginning when it is long; the tree of all checks is whole.
from cfn_guard_rs.cfn_guard_rs import run_checks_rs

RULES = pathlib.Path(__file__).with_name("template.guard").read_text()


def checked(template):
    """Each rule with its outcome and where it failed."""
    tree = json.loads(run_checks_rs(json.dumps(template), RULES, True))
    return {rule["context"]: (rule["container"]["RuleCheck"]["status"], sorted(places(rule))) for rule in tree["children"]}


def places(node):
    """The paths at which something was not as it should be; what only chooses resources does not count."""
    container = node["container"]
    if "Filter" in container or "WhenCondition" in container or "RuleCondition" in container:
        return set()
    if "ClauseValueCheck" in container and container["ClauseValueCheck"] != "Success":
        return set(paths(container))
    return set().union(*map(places, node["children"]))


def paths(value):
    if isinstance(value, dict):
        if value.get("path"):
            yield value["path"]
        for inside in value.values():
            yield from paths(inside)


def of(template, kind):
    return next(found for found in template["Resources"].values() if found["Type"] == kind)


def statement(template):
    return template["Resources"]["InvoiceFunctionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]


def wrong(kind, **properties):
    """A resource of this kind gets these properties; None takes one away."""

    def break_it(template):
        changed = of(template, kind)["Properties"]
        for name, value in properties.items():
            changed.pop(name, None) if value is None else changed.update({name: value})

    return break_it


def url(template):
    template["Resources"]["Door"] = {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE"}}


def everybody(template):
    del of(template, "AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"][1]["Condition"]["StringEquals"]["kms:CallerAccount"]


ANYBODY = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}

BROKEN = [
    ("a_role_allows_no_wildcard", lambda template: statement(template).update(Action=["dynamodb:*"])),
    ("a_role_allows_no_wildcard", lambda template: statement(template).update(Action="dynamodb:Get*")),
    ("a_role_allows_no_wildcard", lambda template: statement(template).update(Resource="*")),
    ("a_role_allows_no_wildcard", lambda template: statement(template).update(Resource=[{"Ref": "AppSecret"}, "*"])),
    ("a_role_allows_no_wildcard", lambda template: statement(template).update(NotAction=["iam:PassRole"])),
    ("a_role_is_for_a_service", wrong("AWS::IAM::Role", AssumeRolePolicyDocument=ANYBODY)),
    ("a_function_logs_where_we_say", wrong("AWS::Lambda::Function", LoggingConfig=None)),
    ("a_log_ends_and_has_the_key", wrong("AWS::Logs::LogGroup", RetentionInDays=None)),
    ("a_log_ends_and_has_the_key", wrong("AWS::Logs::LogGroup", KmsKeyId=None)),
    ("a_function_has_no_door_of_its_own", url),
    ("only_services_call_functions_and_only_from_here", wrong("AWS::Lambda::Permission", Principal="*")),
    ("only_services_call_functions_and_only_from_here", wrong("AWS::Lambda::Permission", SourceArn=None)),
    ("everybody_is_nobody", everybody),
    ("a_key_changes_every_year", wrong("AWS::KMS::Key", EnableKeyRotation=False)),
    ("an_alarm_leads_to_the_runbook", wrong("AWS::CloudWatch::Alarm", AlarmDescription="something is up")),
    ("missing_data_is_decided", wrong("AWS::CloudWatch::Alarm", TreatMissingData=None)),
    ("a_table_can_be_restored_and_not_be_deleted", wrong("AWS::DynamoDB::Table", DeletionProtectionEnabled=False)),
    ("a_table_can_be_restored_and_not_be_deleted", wrong("AWS::DynamoDB::Table", PointInTimeRecoverySpecification=None)),
    ("a_table_can_be_restored_and_not_be_deleted", wrong("AWS::DynamoDB::Table", TimeToLiveSpecification=None)),
    ("a_secret_outlives_the_stack", lambda template: of(template, "AWS::SecretsManager::Secret").pop("DeletionPolicy")),
    ("a_secret_outlives_the_stack", wrong("AWS::SecretsManager::Secret", SecretString="hunter2")),
    ("a_topic_has_the_key", wrong("AWS::SNS::Topic", KmsMasterKeyId=None)),
]


def main(file):
    template = json.loads(pathlib.Path(file).read_text())
    found, failed = checked(template), False
    for rule, (status, where) in found.items():
        if status != "PASS":
            failed = True
            print(f"not so: {rule} ({'nothing to look at' if status == 'SKIP' else ', '.join(where) or 'everywhere'})")
    for rule, break_it in BROKEN:
        broken = copy.deepcopy(template)
        break_it(broken)
        if checked(broken)[rule][0] != "FAIL":
            failed = True
            print(f"proves nothing: {rule}")
    for rule in found.keys() - {rule for rule, _ in BROKEN}:
        failed = True
        print(f"is not shown to fail: {rule}")
    print(f"{len(found)} rules, {len(BROKEN)} templates with one thing wrong")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1])
