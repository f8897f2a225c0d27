"""What is asked for, whatever the federated-learning framework: job, study and site as frozen values."""
