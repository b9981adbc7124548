/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boost.cc - message queues of Boost.Interprocess behind functions of C, which
 * an exception does not leave.
 */
#include "boost.h"

#include <boost/interprocess/ipc/message_queue.hpp>

using boost::interprocess::create_only;
using boost::interprocess::message_queue;

/* Whoever is forked has the memory; nobody else is to find it. */
void *
boost_queue_make(const char *name, size_t count, size_t size)
{
	try {
		void *queue = new message_queue(create_only, name, count,
		    size);

		message_queue::remove(name);
		return queue;
	} catch (...) {
		message_queue::remove(name);
		return nullptr;
	}
}

void
boost_queue_drop(void *queue)
{
	delete static_cast<message_queue *>(queue);
}

int
boost_queue_send(void *queue, const void *text, size_t size)
{
	try {
		static_cast<message_queue *>(queue)->send(text, size, 0);
		return 0;
	} catch (...) {
		return -1;
	}
}

int
boost_queue_take(void *queue, void *text, size_t size)
{
	message_queue::size_type taken = 0;
	unsigned priority;

	try {
		static_cast<message_queue *>(queue)->receive(text, size,
		    taken, priority);
		return taken == size ? 0 : -1;
	} catch (...) {
		return -1;
	}
}
