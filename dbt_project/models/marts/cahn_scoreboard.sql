{{ current_of('cahn_scoreboard_versions', order=['calendar_quarter', 'member']) }}
