"""What every outbound client and every listener of rapray shares: deadlines, body limits, waits and addresses."""
