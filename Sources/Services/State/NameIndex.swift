import Primitives

/// The names of one scope in the order of their bytes: what makes a page of `state::entries` cost
/// what it lists, not what the scope holds. It is made from the scope when pages are asked for, a
/// part with every page, so that nobody waits for millions of names to be sorted.
///
/// Invariants:
/// * No chunk is empty, and none has more than `chunkCount` names.
/// * The names of all chunks, one behind the other, ascend.
/// * A name of the scope is in a chunk, or among those that are still to come, or both.
struct NameIndex: Sendable {
    private var chunks: [[Name]] = []
    private(set) var count = 0
    /// Names of the scope from when this was begun that are not in a chunk for certain.
    private var pending: [Name]

    /// Larger ones cost more where a name comes or goes, smaller ones where a chunk does.
    static let chunkCount = 512

    /// Begins the index of a scope with `names`.
    init(of names: [Name]) { pending = names }

    /// Whether all names are there, so that pages may be read.
    var isWhole: Bool { pending.isEmpty }

    /// The names that it takes memory for.
    var size: Int { count + pending.count }

    /// Takes up to `limit` of the names that are to come, as far as the scope still has them.
    mutating func grow(by limit: Int, isThere: (Name) -> Bool) {
        for name in pending.suffix(limit) where isThere(name) { insert(name) }
        pending.removeLast(min(limit, pending.count))
        if isWhole { pending = [] }
    }

    // MARK: The scope's changes

    mutating func insert(_ name: Name) {
        guard !chunks.isEmpty else {
            chunks = [[name]]
            count = 1
            return
        }
        let chunk = self.chunk(of: name)
        let place = Self.place(of: name, in: chunks[chunk])
        if place < chunks[chunk].count, chunks[chunk][place] == name { return }
        chunks[chunk].insert(name, at: place)
        count += 1
        if chunks[chunk].count > Self.chunkCount { split(chunk) }
    }

    mutating func remove(_ name: Name) {
        guard !chunks.isEmpty else { return }
        let chunk = self.chunk(of: name)
        let place = Self.place(of: name, in: chunks[chunk])
        guard place < chunks[chunk].count, chunks[chunk][place] == name else { return }
        chunks[chunk].remove(at: place)
        count -= 1
        if chunks[chunk].isEmpty { chunks.remove(at: chunk) }
    }

    private mutating func split(_ chunk: Int) {
        let half = chunks[chunk].count / 2
        let upper = Array(chunks[chunk][half...])
        chunks[chunk].removeLast(upper.count)
        chunks.insert(upper, at: chunk + 1)
    }

    // MARK: Pages

    /// The first names behind `cursor` that begin with `prefix`.
    func page(prefix: Name, after cursor: Name?, limit: Int) -> [Name] {
        var page: [Name] = []
        guard limit > 0, !chunks.isEmpty else { return page }
        let start = max(cursor ?? prefix, prefix)
        var chunk = self.chunk(of: start)
        var place = Self.place(of: start, in: chunks[chunk])
        while chunk < chunks.count {
            for name in chunks[chunk][place...] where cursor.map({ $0 < name }) ?? true {
                guard name.text.utf8.starts(with: prefix.text.utf8) else { return page }
                page.append(name)
                if page.count == limit { return page }
            }
            chunk += 1
            place = 0
        }
        return page
    }

    // MARK: Places

    /// The last chunk that begins at or before `name`; the first, where none does.
    private func chunk(of name: Name) -> Int {
        max(0, Self.partition(chunks.count) { !(name < chunks[$0][0]) } - 1)
    }

    /// Where `name` is, or would be.
    private static func place(of name: Name, in names: [Name]) -> Int {
        partition(names.count) { names[$0] < name }
    }

    /// How many of `0..<count`, all in front, are as asked for.
    private static func partition(_ count: Int, _ isInFront: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isInFront(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// For tests: traps where an invariant does not hold.
    func checkInvariants() {
        precondition(chunks.allSatisfy { !$0.isEmpty && $0.count <= Self.chunkCount })
        let all = chunks.flatMap { $0 }
        precondition(zip(all, all.dropFirst()).allSatisfy { $0 < $1 })
        precondition(all.count == count)
    }
}
