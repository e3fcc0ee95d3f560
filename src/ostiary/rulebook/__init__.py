"""The rules in force: documents, versions, and who applied them. What rules mean lives in policy."""
