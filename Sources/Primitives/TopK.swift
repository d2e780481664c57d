/// The first elements of an order, out of any number: one pass, which keeps at most twice as many
/// as are wanted, and sorts only those.
package struct TopK<Element> {
    private let count: Int
    private let isBefore: (Element, Element) -> Bool
    private var kept: [Element] = []
    /// None that comes behind it is among the first; nil: there were not so many yet.
    private var last: Element?

    /// `count`: how many are wanted, at least one.
    package init(_ count: Int, by isBefore: @escaping (Element, Element) -> Bool) {
        self.count = count
        self.isBefore = isBefore
    }

    package mutating func add(_ element: Element) {
        if let last, !isBefore(element, last) { return }
        kept.append(element)
        guard kept.count == 2 * count else { return }
        kept = sorted
        last = kept.last
    }

    /// At most as many as are wanted, in their order.
    package var sorted: [Element] { Array(kept.sorted(by: isBefore).prefix(count)) }
}
