"""The API for the company's software: schemas, queries and the presentation of records."""
