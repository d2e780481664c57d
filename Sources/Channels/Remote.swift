package import NIOCore

/// An object that lives on an event loop, for whoever may be on another one.
///
/// What is told from one loop arrives in the order in which it was told.
package struct Remote<Target: AnyObject>: Sendable {
    private let loop: any EventLoop
    private let target: NIOLoopBound<Target>

    /// On the object's own loop.
    package init(_ target: Target, on loop: any EventLoop) {
        self.loop = loop
        self.target = NIOLoopBound(target, eventLoop: loop)
    }

    /// Runs `body` with the object: at once on its own loop, else in one of that loop's next turns.
    package func tell(_ body: @escaping @Sendable (Target) -> Void) {
        loop.run { [target] in body(target.value) }
    }
}

extension EventLoop {
    /// Runs `task` here: at once when this is the loop, else in one of its next turns.
    func run(_ task: @escaping @Sendable () -> Void) {
        if inEventLoop { task() } else { execute(task) }
    }
}
