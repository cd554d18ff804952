{{ current_of('ai_revenue_totals_versions', order=['calendar_quarter', 'ai_revenue_basis']) }}
