"""The dashboard: `streamlit run app.py -- RUNS`, or `trainvitals dashboard RUNS`."""

from trainvitals.dashboard.main import main

main()
