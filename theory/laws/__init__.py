"""The laws, a topic a file: each exports ENTRIES, and `varlaw.theory.catalogue` names them all."""
