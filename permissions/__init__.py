"""Who may see and do what: rules as data, session variables, and a role's view of the catalogue.

Nothing here touches a connection. Rules are judged by the database: the compiler places a role's filters and checks
into the statement (`resolvers`), so there is no row that was fetched first and refused later.
"""
