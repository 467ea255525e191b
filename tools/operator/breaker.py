"""What the product's own table says besides the API: whether all pulls are held back."""

from datetime import datetime

from botocore.exceptions import ClientError

from .aws_errors import explained, is_denied
from .findings import time_of
from .target import Target


def breaker_opened_at(target: Target) -> datetime | None:
    """Return since when the pulls of all schools are held back; None if not, or if unreadable."""
    key = {"estab": {"S": "#fleet"}, "dataset": {"S": "#breaker"}}
    table = target.output("DatasetsTableName")
    with explained():
        try:
            item = target.client("dynamodb").get_item(TableName=table, Key=key).get("Item", {})
        except ClientError as error:
            if is_denied(error):
                return None
            raise
    return time_of(item.get("opened_at", {}).get("S"))
