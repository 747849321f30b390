"""Operations: everything a domain gets without writing it. Knows no domain."""
