"""Writes out what an editable dashboard says once of many: of every function, queue or alarm."""

import re
from dataclasses import dataclass, field
from typing import Any, Self

# Kind of resource -> its end in the template, AWS's namespace and dimension, the dimension's value.
_KINDS = {
    "function": ("AWS::Serverless::Function", "Function", "AWS/Lambda", "FunctionName", ""),
    "queue": ("AWS::SQS::Queue", "Queue", "AWS/SQS", "QueueName", ".QueueName"),
    "dead-letter queue": (
        "AWS::SQS::Queue",
        "DeadLetterQueue",
        "AWS/SQS",
        "QueueName",
        ".QueueName",
    ),
    "table": ("AWS::DynamoDB::Table", "Table", "AWS/DynamoDB", "TableName", ""),
    "log group": ("AWS::Logs::LogGroup", "LogGroup", "AWS/Logs", "LogGroupName", ""),
}
_RESOURCE = re.compile(r"(?m)^  (\w+):.*\n    Type: (AWS::[\w:]+)\n(?:    Condition: (\w+))?")
_RUNBOOK_LINK = re.compile(r"\[([^\]\"\\]+)\]\((\$\{RunbookUrl\}[^)]*)\)")
_ALARMS = {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}


@dataclass
class Expansion:
    """The resources of a template, by logical id: their type, and the condition that they have.

    ``conditional`` collects what `!Sub` has to put in place of variables: alarms that are not
    made on the emulator, where a reference to them would fail, and links into the runbook.
    """

    resources: dict[str, tuple[str, str]]
    conditional: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, template: str) -> Self:
        """Read the resources of the template's text."""
        return cls({name: (type_, made) for name, type_, made in _RESOURCE.findall(template)})

    def metrics(self, entry: list[Any] | dict[str, Any], period: int) -> list[list[Any]]:
        """Return CloudWatch's lines for one entry of ``metrics``."""
        if isinstance(entry, list):
            return [entry]
        if "every" in entry:
            return self._every(entry)
        if "total" in entry:
            found = _search(entry["dimension"], [entry["total"]], "Sum", period)
            name = _id(entry["total"])
            return [[{"expression": f"SUM({found})", "label": entry["label"], "id": name}]]
        search = entry["search"]
        found = _search(search["dimension"], search["names"], search.get("stat", "Sum"), period)
        return [[{"expression": found, "id": _id(search["names"][0])}]]

    def alarms(self, wanted: str | list[str]) -> list[str]:
        """Return what stands for the alarms' ARNs; ``every`` is all of them.

        The last string goes on, inside the quotes of the JSON, with the alarms that have a
        condition, each behind a quote, a comma and a quote.
        """
        known = {name: made for name, (type_, made) in self.resources.items() if type_ in _ALARMS}
        names = sorted(known) if wanted == "every" else wanted
        always = [f"${{{name}.Arn}}" for name in names if not known[name]]
        for condition in sorted({known[name] for name in names if known[name]}):
            variable = f"Alarms{len(self.conditional)}"
            those = "".join(f'\\",\\"${{{name}.Arn}}' for name in names if known[name] == condition)
            self.conditional[variable] = f'!If [{condition}, !Sub "{those}", ""]'
            always[-1] += f"${{{variable}}}"
        return always

    def links(self, widget: str) -> str:
        """Return a widget whose links into the runbook are bare text while no URL is known.

        A path of the repository is no address: in CloudWatch such a link would lead nowhere.
        """
        return _RUNBOOK_LINK.sub(self._link, widget)

    def _link(self, found: re.Match[str]) -> str:
        value = f'!If [HasRunbookUrl, !Sub "{found[0]}", "{found[1]}"]'
        known = {text: name for name, text in self.conditional.items()}
        name = known.get(value, f"Link{len(self.conditional)}")
        self.conditional[name] = value
        return f"${{{name}}}"

    def log_groups(self, wanted: str | list[str]) -> list[str]:
        """Return the log groups of the functions, the access logs, or those that are named."""
        if isinstance(wanted, list):
            return wanted
        every = self._of("AWS::Logs::LogGroup", "LogGroup")
        is_access = wanted == "access logs"
        return [name for name in every if name.endswith("AccessLogGroup") == is_access]

    def _every(self, entry: dict[str, Any]) -> list[list[Any]]:
        type_, suffix, namespace, dimension, attribute = _KINDS[entry["every"]]
        label = entry.get("label", "{}")
        return [
            [
                namespace,
                entry["metric"],
                dimension,
                f"${{{name}{attribute}}}",
                {"label": label.replace("{}", name.removesuffix(suffix))},
            ]
            for name in self._of(type_, suffix)
        ]

    def _of(self, type_: str, suffix: str) -> list[str]:
        letters = "DeadLetterQueue"
        return [
            name
            for name, (its, made) in self.resources.items()
            if its == type_
            and not made
            and name.endswith(suffix)
            and (suffix == letters or not name.endswith(letters))
        ]


def _search(dimension: str, names: list[str], stat: str, period: int) -> str:
    wanted = " OR ".join(f'MetricName="{name}"' for name in names)
    found = f'{{"${{AWS::StackName}}",{dimension}}} {wanted}'
    return f"SEARCH('{found}', '{stat}', {period})"


def _id(name: str) -> str:
    """Return an identifier, which CloudWatch wants to start with a lower-case letter."""
    return name[0].lower() + name[1:]
