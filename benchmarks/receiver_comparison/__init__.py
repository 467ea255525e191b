"""The programs that ``benchmarks/acknowledgement.py`` runs in processes of their own."""
