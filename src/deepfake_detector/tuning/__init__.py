"""The search for better parameters: an Optuna study whose trials are trainings."""
