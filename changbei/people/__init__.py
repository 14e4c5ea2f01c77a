"""Organisation, posts, duty roster, absences and substitution, contacts, accounts, permissions."""
