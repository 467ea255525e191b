"""What the company's software and people see: schemas, queries and their presentation."""
