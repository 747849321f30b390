"""O nome que os smokes das seções 11.5 e 11.6 importam."""
