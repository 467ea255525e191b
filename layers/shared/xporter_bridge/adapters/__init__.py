"""The only code that knows boto3 and HTTP: each module speaks the domain and hides one service."""
