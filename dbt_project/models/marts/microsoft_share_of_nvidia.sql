{{ current_of('microsoft_share_of_nvidia_versions', order=['calendar_quarter']) }}
