{{ current_of('ai_revenue_series_versions', order=['company', 'calendar_quarter', 'ai_revenue_basis']) }}
