# SPDX-License-Identifier: BSD-2-Clause
"""Configurations of the gateways in gateways.py, filled in by str.format()."""

from lib.servers import beginnings

NGINX = beginnings.NGINX + """
worker_processes 2;
http {{
""" + beginnings.NGINX_HTTP + """
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_connect_timeout 1s;
	proxy_read_timeout 1s;
	upstream back {{ server {backend} max_fails=0; keepalive 4; }}
	upstream two {{ server {down} max_fails=0; server {other} max_fails=0; }}
	upstream saved {{ server {down} max_fails=0; server {backend} backup; }}
	server {{
		listen 127.0.0.1:{port};
		location = /own {{ return 503; }}
		location ~ ^/down/([0-9.]+)/ {{ proxy_pass http://$1:{down_port}; }}
		location ~ ^/full/([0-9.]+)/ {{ proxy_pass http://$1:{full_port}; }}
		location /two/ {{ proxy_pass http://two/; }}
		location /saved/ {{ proxy_pass http://saved/; }}
		location / {{ proxy_next_upstream off; proxy_pass http://back; }}
	}}
}}
"""

HAPROXY = """
global
	nbthread 2
	hard-stop-after 1s
defaults
	mode http
	timeout connect 1s
	timeout client 30s
	timeout server 1s
	retries 0
frontend front
	bind 127.0.0.1:{port}
	http-request return status 503 if {{ path /own }}
	http-request set-dst path,field(3,/) if {{ path_beg /down/ /full/ }}
	use_backend down if {{ path_beg /down/ }}
	use_backend full if {{ path_beg /full/ }}
	use_backend two if {{ path_beg /two/ }}
	use_backend saved if {{ path_beg /saved/ }}
	default_backend back
backend back
	http-reuse always
	server one {backend}
backend down
	server one 0.0.0.0:{down_port}
backend full
	server one 0.0.0.0:{full_port}
backend two
	retries 1
	option redispatch 1
	server one {down}
	server two {other}
backend saved
	retries 1
	option redispatch 1
	balance first
	http-request set-path %[path,regsub(^/saved,)]
	server one {down} maxconn 100
	server two {backend} maxconn 100
"""

APACHE = beginnings.APACHE + """
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
StartServers 2
ThreadsPerChild 16
ProxyTimeout 1
Redirect 503 /own
ProxyPass /own !
ProxyPassMatch ^/down/([0-9.]+)/ http://$1:{down_port}/ retry=0
ProxyPassMatch ^/full/([0-9.]+)/ http://$1:{full_port}/ retry=0 connectiontimeout=1
ProxyPass / http://{backend}/ retry=0
"""

CADDY = beginnings.CADDY + """
	@down path_regexp down ^/down/([0-9.]+)/
	@full path_regexp full ^/full/([0-9.]+)/
	handle /own {{
		respond 503
	}}
	handle @down {{
		reverse_proxy {{re.down.1}}:{down_port}
	}}
	handle @full {{
		reverse_proxy {{re.full.1}}:{full_port} {{
			transport http {{
				dial_timeout 1s
			}}
		}}
	}}
	handle {{
		reverse_proxy {backend} {{
			transport http {{
				response_header_timeout 1s
			}}
		}}
	}}
}}
"""

VARNISH_BACKEND = """
backend {name} {{
	.host = "{host}";
	.port = "{port}";
	.connect_timeout = 1s;
	.first_byte_timeout = 1s;
	.between_bytes_timeout = 1s;
}}
"""

VARNISH_CHOICE = """
	if (req.url ~ "^/{path}/{host}/") {{
		set req.backend_hint = {name};
	}}
"""

VARNISH = """
vcl 4.1;
{backends}
sub vcl_recv {{
	if (req.url == "/own") {{
		return (synth(503));
	}}
	set req.backend_hint = back;
	{choices}
	return (pass);
}}
"""

SQUID = """
http_port 127.0.0.1:{port}
pid_filename {folder}/squid.pid
cache_log {folder}/cache.log
coredump_dir {folder}
access_log none
cache deny all
cache_mem 8 MB
max_filedescriptors 4096
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
connect_retries 0
connect_timeout 1 seconds
forward_max_tries 1
read_timeout 1 seconds
visible_hostname test
acl own dstdomain own.invalid
deny_info 503:ERR_ACCESS_DENIED own
http_access deny own
http_access allow all
"""

LIGHTTPD_CHOICE = """
$HTTP["url"] =^ "/{path}/{host}/" {{
	proxy.server = ("" => ((
		"host" => "{host}", "port" => {port}, "connect-timeout" => 1, "read-timeout" => 1, "disable-time" => 0
	)))
}}
"""

LIGHTTPD = """
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{folder}/error.log"
server.modules = ("mod_redirect", "mod_proxy")
$HTTP["url"] == "/own" {{
	url.redirect = ("" => "/")
	url.redirect-code = 503
}}
else {{
	proxy.server = ("" => ((
		"host" => "127.0.0.1", "port" => {backend_port}, "read-timeout" => 1, "disable-time" => 0
	)))
}}
{choices}
"""
