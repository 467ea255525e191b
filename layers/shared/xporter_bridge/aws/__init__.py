"""Calls of AWS. Only these modules import botocore, and they know no subject of the product."""
