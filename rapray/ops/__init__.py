"""Operating rapray: the doctor. (Backup and dashboards come with the operations issue.)"""
