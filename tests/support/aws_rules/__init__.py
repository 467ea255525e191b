"""Rules of AWS that neither its schemas nor a linter know, each with the page that says so."""

from tests.support.aws_rules import metrics_insights, names, recursion, secrets
from tests.support.aws_rules.rule import RULES, Rule

__all__ = ["RULES", "Rule", "metrics_insights", "names", "recursion", "secrets"]
