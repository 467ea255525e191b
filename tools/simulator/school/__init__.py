"""The invented school: people, groups, attendance, conduct, timetable, and how it changes."""
