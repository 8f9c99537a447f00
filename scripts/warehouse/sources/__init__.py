"""Landing of a CRM's own tables, as they come: what staging turns into the landing contract."""
