"""The only importers of botocore: DynamoDB, S3, SQS and Secrets Manager, without any subject."""
