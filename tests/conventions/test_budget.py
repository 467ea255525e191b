"""The budget is optional, tells somebody, and is left out where there are no bills."""

from tests.support import template

BUDGET = template.load()["Resources"]["CostBudget"]


def test_a_budget_is_made_on_aws_alone_and_only_for_an_amount() -> None:
    assert BUDGET["Condition"] == "HasBudget"
    assert template.load()["Conditions"]["HasBudget"] == {
        "Fn::And": [
            {"Condition": "IsCloud"},
            {"Fn::Not": [{"Fn::Equals": [{"Ref": "MonthlyBudget"}, "0"]}]},
        ]
    }
    assert template.load()["Parameters"]["MonthlyBudget"]["Default"] == 0


def test_a_budget_warns_before_the_money_is_spent() -> None:
    """AWS takes at most ten notifications, of at most ten addresses each.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-budgets-budget-notification.html
    """
    notifications = BUDGET["Properties"]["NotificationsWithSubscribers"]
    assert [
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"])
        for each in notifications
    ] == [("ACTUAL", 80), ("FORECASTED", 100)]
    for each in notifications:
        assert each["Notification"]["ComparisonOperator"] == "GREATER_THAN"
        assert each["Notification"]["ThresholdType"] == "PERCENTAGE"
        assert each["Subscribers"] == [
            {"SubscriptionType": "EMAIL", "Address": {"Ref": "AlarmEmail"}}
        ]


def test_a_budget_without_anybody_to_tell_is_refused_before_it_is_deployed() -> None:
    rule = template.load()["Rules"]["BudgetTellsSomebody"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "MonthlyBudget"}, "0"]}]}
    (assertion,) = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}


def test_two_stacks_of_one_account_have_budgets_of_two_names() -> None:
    budget = BUDGET["Properties"]["Budget"]
    assert "${AWS::StackName}" in budget["BudgetName"]["Fn::Sub"]
    assert budget["BudgetLimit"] == {"Amount": {"Ref": "MonthlyBudget"}, "Unit": "USD"}
