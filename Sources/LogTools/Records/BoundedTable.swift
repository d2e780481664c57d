import Primitives

/// A row for each of many names, as long as there are not too many of them: a log may hold more
/// than fits into memory.
struct BoundedTable<Row> {
    private(set) var rows: [Name: Row] = [:]
    /// Of the names.
    private var byteCount = 0
    private let rowLimit: Int
    private static var byteLimit: Int { 64 << 20 }

    init(rowLimit: Int) { self.rowLimit = rowLimit }

    /// Changes the row of `name`, which begins as `initial`.
    ///
    /// - Returns: false, having changed nothing, where there is no room for one more name.
    mutating func change(
        _ name: String,
        from initial: Row,
        _ body: (inout Row) -> Void
    ) -> Bool {
        let key = Name(name)
        if rows[key] == nil {
            let size = name.utf8.count
            guard rows.count < rowLimit, byteCount + size <= Self.byteLimit else { return false }
            byteCount += size
        }
        body(&rows[key, default: initial])
        return true
    }
}

/// How many different groups or values are told apart.
package enum TableLimits {
    package static let rows = 65_536
}
