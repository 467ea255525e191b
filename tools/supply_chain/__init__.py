"""The code of others that ships: licences, notice, bill of materials, vulnerabilities."""
