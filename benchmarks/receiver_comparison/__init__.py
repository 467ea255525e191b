"""What ``benchmarks/acknowledgement.py`` runs in processes of their own."""
