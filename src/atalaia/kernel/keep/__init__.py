"""How nothing is lost: the audit log, its anchors, its verification and its export."""
