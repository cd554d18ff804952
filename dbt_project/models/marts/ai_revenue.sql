{{ current_of('ai_revenue_versions', order=['company', 'calendar_quarter']) }}
