"""Does a subject a student passed count for a subject of the new course?"""
