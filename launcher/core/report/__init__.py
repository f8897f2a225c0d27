"""What people are told about a job: status, diagnosis bundle, refused launches."""
