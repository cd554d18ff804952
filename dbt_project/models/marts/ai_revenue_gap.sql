{{ current_of('ai_revenue_gap_versions', order=['calendar_quarter', 'scenario']) }}
