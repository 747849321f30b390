"""How data gets in: cascade, bronze, contract, load."""
