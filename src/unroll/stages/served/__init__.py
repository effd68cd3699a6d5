"""How MLflow runs a registered model: one file per field, copied beside the checkpoint."""
