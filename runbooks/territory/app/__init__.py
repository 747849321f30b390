"""O módulo que o runbook manda o uvicorn servir."""
